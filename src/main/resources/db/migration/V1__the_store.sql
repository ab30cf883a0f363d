-- The membership store. Every table carries the practice, and unique constraints say what may exist once:
-- they are the last word when two consumers disagree. Tables that a load fills by the hundred thousand have no foreign
-- keys: each row would lock the one row of its practice, and what it points to is read, and where it matters locked, in
-- the same transaction. Charts and members are never deleted.

create extension if not exists fuzzystrmatch;          -- levenshtein, for names that are typed wrongly

create table practices (
  id       integer generated always as identity primary key,
  practice text not null unique                       -- short name, for example bright-smiles
);

create table members (
  id              bigint generated always as identity primary key,
  practice_id     integer not null references practices,
  member_number   text not null,
  status          text not null default 'ACTIVE' check (status in ('ACTIVE', 'REMOVED', 'MERGED')),
  family          text,
  given           text,
  middle          text,
  suffix          text,
  preferred       text,
  birth_date      text,
  gender          text,
  phone_home      text,
  phone_mobile    text,
  phone_work      text,
  email           text,
  line1           text,
  line2           text,
  city            text,
  state           text,
  postal_code     text,
  person          jsonb not null,                     -- the same, normalised: what matching compares
  blocking_keys   bigint[] not null,
  words           tsvector not null,                  -- as in patients
  locked_fields   text[] not null default '{}',       -- fields that a person has decided; no feed writes them
  version         bigint not null default 1,
  matched_version bigint not null default 0,          -- behind version: waits to be matched
  match_sent_at   timestamptz,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  unique (practice_id, member_number),
  unique (practice_id, id)
);
-- The highest number of the kind that we give ourselves, for whom nobody gives one: the next goes on from it.
create index members_by_given_number on members (practice_id, (substr(member_number, 2)::bigint))
  where member_number ~ '^M[0-9]{1,9}$';

-- Forms of the console that have added a member: one that is sent twice adds nobody twice. Forgotten after a day.
create table enrolment_forms (
  practice_id   integer not null,
  form          uuid not null,
  member_number text not null,
  sent_at       timestamptz not null default now(),
  primary key (practice_id, form)
);
create index enrolment_forms_by_time on enrolment_forms (practice_id, sent_at);
-- Counted at each look at a worklist, from the index alone.
create index active_members on members (practice_id, id) where status = 'ACTIVE';
create index members_waiting_for_a_match on members (practice_id, id) where matched_version < version;
create index members_by_change on members (practice_id, updated_at);
create index members_by_word on members using gin (words);

create table member_blocking_keys (
  practice_id integer not null,
  key         bigint not null,
  member_id   bigint not null,
  primary key (practice_id, key, member_id)
);

-- The practice's charts as the PMS has them. Written by the apply step alone.
create table patients (
  id                 bigint generated always as identity primary key,
  practice_id        integer not null,
  source             text not null,                   -- the PMS installation, for example open-dental
  source_id          text not null,
  version            bigint not null,                 -- order in which the feed read it; an older one never overwrites
  status             text not null,
  content_hash       text not null,
  fingerprint        bigint not null,                 -- of the PMS's row that this was made of
  source_modified_at timestamptz,
  removed_at         timestamptz,                     -- the row is gone from the PMS
  merged_into        text,                            -- the chart that this one was merged into
  merge_taken_back   bigint,                          -- version as of which it says that it is merged no more
  record             json not null,                   -- json: written once for every version, and read as a whole
  blocking_keys      bigint[] not null,
  words              tsvector not null,               -- what staff find it by, each behind the practice's number
  first_seen_at      timestamptz not null default now(),
  updated_at         timestamptz not null default now(),
  unique (practice_id, source, source_id)
);

-- With what a search by the time of the last change asks of each, so that it reads nothing else.
create index patients_by_change on patients (practice_id, updated_at) include (id, removed_at, merged_into);
create index patients_by_word on patients using gin (words);
create index merged_patients on patients (practice_id, source, merged_into) where merged_into is not null;

-- Every name of a practice's charts and members, for staff who type one not quite as it is written.
create table name_words (
  practice_id integer not null,
  word        text not null collate "C",
  primary key (practice_id, word)
);

create table patient_blocking_keys (
  practice_id integer not null,
  key         bigint not null,
  patient_id  bigint not null,
  primary key (practice_id, key, patient_id)
);

-- What goes on around charts, and with whom and where. Keyed by the chart's id in the PMS and never by a member: it follows
-- every link without a row being written. A row without its content is of a record that was gone before it came.
create table visits (
  practice_id        integer not null,
  source             text not null,
  stream             text not null,                   -- ids are unique within it: VISITS, VISITS/procedures
  source_id          text not null,
  version            bigint not null,
  fingerprint        bigint not null,
  content_hash       bigint not null,
  source_modified_at timestamptz,
  removed_at         timestamptz,
  updated_at         timestamptz not null default now(),
  patient_source_id  text,
  on_date            date,                            -- the day at the office
  starts_at          timestamptz,
  ends_at            timestamptz,
  status             text,
  appointment        text,                            -- the visit that a procedure was done in
  provider           text,
  clinic             text,
  procedure_codes    text[],
  primary key (practice_id, source, stream, source_id)
);
create index visits_by_patient on visits (practice_id, source, patient_source_id, on_date);

create table transactions (
  practice_id        integer not null,
  source             text not null,
  stream             text not null,
  source_id          text not null,
  version            bigint not null,
  fingerprint        bigint not null,
  content_hash       bigint not null,
  source_modified_at timestamptz,
  removed_at         timestamptz,
  updated_at         timestamptz not null default now(),
  patient_source_id  text,
  payer_source_id    text,
  on_date            date,
  type               text,
  amount_cents       bigint,
  code               text,
  voided             boolean,
  provider           text,
  clinic             text,
  primary key (practice_id, source, stream, source_id)
);
create index transactions_by_patient on transactions (practice_id, source, patient_source_id, on_date);

create table providers (
  practice_id        integer not null,
  source             text not null,
  stream             text not null,
  source_id          text not null,
  version            bigint not null,
  fingerprint        bigint not null,
  content_hash       bigint not null,
  source_modified_at timestamptz,
  removed_at         timestamptz,
  updated_at         timestamptz not null default now(),
  abbreviation       text,
  family             text,
  given              text,
  suffix             text,
  npi                text,
  active             boolean,
  primary key (practice_id, source, stream, source_id)
);

create table clinics (
  practice_id        integer not null,
  source             text not null,
  stream             text not null,
  source_id          text not null,
  version            bigint not null,
  fingerprint        bigint not null,
  content_hash       bigint not null,
  source_modified_at timestamptz,
  removed_at         timestamptz,
  updated_at         timestamptz not null default now(),
  name               text,
  abbreviation       text,
  active             boolean,
  primary key (practice_id, source, stream, source_id)
);

create table chart_merges (
  practice_id        integer not null,
  source             text not null,
  loser_source_id    text not null,
  survivor_source_id text not null,
  version            bigint not null,
  merged_at          timestamptz,                     -- when, as the PMS says: of several rows of one loser the latest holds
  by_survivor        boolean not null,                -- the survivor's record tells it, and nobody else
  follow_asked_at    timestamptz,                     -- something came in that may let a link follow
  followed_at        timestamptz,                     -- null: a link waits for the surviving chart
  primary key (practice_id, source, loser_source_id)
);
create index chart_merges_by_survivor on chart_merges (practice_id, source, survivor_source_id);
create index chart_merges_to_follow on chart_merges (practice_id, source, loser_source_id) where follow_asked_at is not null;

-- What was decided about each chart. A chart without a row waits for its first decision.
create table decisions (
  practice_id   integer not null,
  patient_id    bigint not null,
  outcome       text not null check (outcome in ('LINKED', 'REVIEW', 'UNLINKED')),
  reason        text not null,
  rules_version text not null,
  matched_at    timestamptz,                          -- up to when it knew of every change
  stale_since   timestamptz,                          -- what it stood on has changed: decide again
  sent_at       timestamptz,
  decided_at    timestamptz not null default now(),
  primary key (practice_id, patient_id)
);
create index decisions_to_take_again on decisions (practice_id, patient_id) where stale_since is not null;

create table links (
  id            bigint generated always as identity primary key,
  practice_id   integer not null,
  source        text not null,
  patient_id    bigint not null,
  member_id     bigint not null,
  made_by       text not null,                        -- 'rule', or the person
  made_at       timestamptz not null default now(),
  reason        text not null,
  grade         text,
  score         double precision,                     -- of what a person linked there may be none
  runner_up     json,                                 -- the next best member and its score
  explanation   json,                                 -- prior and evidence, which add up to the score
  ground        json,                                 -- who was compared, and what was known of everybody else
  rules_version text not null,
  seen_person   text,                                 -- fingerprint of the chart when a person last said that it is they
  flag_reason   text,                                 -- wants verification, and why
  flagged_at    timestamptz,
  ended_at      timestamptz,
  ended_by      text,
  end_reason    text
);
-- Without the practice, which chart and member imply: with it, either index would seem good for the other's question as long
-- as the planner takes the table for small, and be read from end to end.
create unique index one_active_link_per_patient on links (patient_id) where ended_at is null;
create unique index one_active_link_per_member_and_source on links (member_id, source) where ended_at is null;
create index links_by_member on links (practice_id, member_id);
create index active_links_by_id on links (practice_id, id) where ended_at is null;
create index active_links_by_member on links (practice_id, member_id) where ended_at is null;
create index flagged_links on links (practice_id, flagged_at) where ended_at is null and flag_reason is not null;

-- Who changed which link, when, why, and what it was before. Rows are only ever added.
create table link_changes (
  id          bigint generated always as identity primary key,
  practice_id integer not null,
  link_id     bigint not null,
  action      text not null check (action in ('MADE', 'MOVED', 'VERIFIED', 'TAKEN_BACK', 'FLAGGED', 'UNFLAGGED',
                                        'ENDED', 'RESTORED')),
  actor       text not null,
  reason      text not null,
  at          timestamptz not null default now(),
  before      jsonb
);
create index link_changes_by_link on link_changes (practice_id, link_id);

create table reviews (
  id            bigint generated always as identity primary key,
  practice_id   integer not null,
  patient_id    bigint not null,
  reason        text not null,
  candidates    jsonb not null,                       -- member numbers with the evidence and what it stood on
  rules_version text not null,
  opened_at     timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  closed_at     timestamptz,
  closed_by     text,
  close_reason  text
);
create unique index one_open_review_per_patient on reviews (practice_id, patient_id) where closed_at is null;
create index open_reviews on reviews (practice_id, id) where closed_at is null;
create index open_reviews_by_candidate on reviews using gin (candidates jsonb_path_ops) where closed_at is null;

-- What people have decided: a rule never changes it, on any later run. Rows are only ever added or withdrawn.
create table verdicts (
  id           bigint generated always as identity primary key,
  practice_id  integer not null,
  patient_id   bigint not null,
  member_id    bigint not null,
  verdict      text not null check (verdict in ('SAME', 'NOT_SAME')),
  actor        text not null,
  reason       text not null,
  at           timestamptz not null default now(),
  patient_version bigint,                             -- of the chart and the member as they were then; none of a word that
  member_version  bigint,                             -- was said of others and went over to these
  ended_links  bigint[] not null default '{}',        -- links that ended for it, and are back when it is taken back
  withdrawn_at timestamptz,
  withdrawn_by text,
  replaced_by  bigint                                 -- the verdict that took its place
);
create unique index one_standing_verdict_per_pair on verdicts (practice_id, patient_id, member_id)
  where withdrawn_at is null;
create index verdicts_by_member on verdicts (practice_id, member_id) where withdrawn_at is null;
create index replaced_verdicts on verdicts (practice_id, replaced_by) where replaced_by is not null;

-- How common names are in a practice, as last counted, and the rules that all its decisions were last asked for with.
create table practice_populations (
  practice_id  integer primary key,
  counted_at   timestamptz not null,
  counts       json not null,
  decided_with text,
  keys_made    text not null                          -- which making of blocking keys all records are filed with
);

-- How far filing all records anew has come, after a release that makes other blocking keys.
create table refilings (
  practice_id  integer primary key,
  keys_made    text not null,
  charts_to    bigint not null default 0,
  members_to   bigint not null default 0
);

-- The rules that a practice's decisions were made with, so that each can be recomputed.
create table matching_rules (
  practice_id   integer not null,
  version       text not null,
  rules         text not null,
  first_used_at timestamptz not null default now(),
  primary key (practice_id, version)
);

-- Charts that are probably one person, or members: found by rules, shown to people, never merged by themselves.
create table duplicates (
  id            bigint generated always as identity primary key,
  practice_id   integer not null,
  kind          text not null check (kind in ('CHART', 'MEMBER')),
  one           bigint not null,
  other         bigint not null check (other > one),
  grade         text not null,
  score         double precision not null,
  explanation   json not null,
  rules_version text not null,
  found_at      timestamptz not null default now(),
  closed_at     timestamptz,
  closed_by     text,
  close_reason  text,
  unique (practice_id, kind, one, other)
);
create index open_duplicates on duplicates (practice_id, grade, score desc, id) where closed_at is null; -- as listed
create index duplicates_told_apart on duplicates (practice_id, id desc) where closed_by <> 'rule';
create index open_duplicates_by_other on duplicates (practice_id, kind, other) where closed_at is null;

-- Records that came or changed since duplicates were last looked for, and how far a look at all of them has come.
create table duplicates_to_look_for (
  practice_id integer not null,
  kind        text not null,
  record_id   bigint not null,
  primary key (practice_id, kind, record_id)
);
create table duplicate_sweeps (
  practice_id   integer not null,
  kind          text not null,
  rules_version text not null,
  after_id      bigint not null default 0,
  done_at       timestamptz,
  primary key (practice_id, kind)
);

-- What happened that others want to know of: ids, versions and codes, never patient data. Triggers write it in the transaction
-- that did it, so none is lost and none is invented, whoever writes the link; at its end, so that versions are the last ones.
-- Each looks up a few rows by their keys: planning that anew for each row, as the sessions do, costs ten times what it takes.
create table events (
  id           bigint generated always as identity primary key,
  practice_id  integer not null,
  event_id     uuid not null default gen_random_uuid(),
  type         text not null,
  subject      text not null,                         -- events of one are told in their order
  at           timestamptz not null default now(),
  data         json not null,
  published_at timestamptz                            -- it is on the topic, and waits for each webhook
);
create index events_to_publish on events (id) where published_at is null;
create index events_by_time on events (at);

create function tell_of_link() returns trigger language plpgsql
  set plan_cache_mode = force_generic_plan as $$
begin
  insert into events (practice_id, type, subject, data)
  select l.practice_id,
         case new.action when 'MADE' then 'pmslink.link.made' when 'FLAGGED' then 'pmslink.link.flagged'
                         else 'pmslink.link.changed' end,
         'members/' || m.member_number,
         json_strip_nulls(json_build_object(
           'link', l.id,
           'change', case when new.action not in ('MADE', 'FLAGGED') then lower(replace(new.action, '_', '-')) end,
           -- A code: rules alone put up flags. Of other changes, a person may have typed the reason.
           'reason', case when new.action = 'FLAGGED' then new.reason end,
           'member', m.member_number,
           'member_version', m.version,
           'pms', p.source,
           'patient', p.id,
           'patient_version', p.version,
           'from_member', (select b.member_number from members b
                           where new.action = 'MOVED' and b.practice_id = new.practice_id
                             and b.id = (new.before ->> 'member_id')::bigint and b.id <> l.member_id),
           'from_patient', (select b.id from patients b
                            where new.action = 'MOVED' and b.practice_id = new.practice_id
                              and b.id = (new.before ->> 'patient_id')::bigint and b.id <> l.patient_id)))
  from links l
  join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
  join members m on m.practice_id = l.practice_id and m.id = l.member_id
  where l.practice_id = new.practice_id and l.id = new.link_id;
  return null;
end $$;
create constraint trigger tell_of_link after insert on link_changes
  deferrable initially deferred for each row execute function tell_of_link();

create function tell_of_patient() returns trigger language plpgsql
  set plan_cache_mode = force_generic_plan as $$
begin
  insert into events (practice_id, type, subject, data)
  select l.practice_id, 'pmslink.patient.updated', 'members/' || m.member_number,
         json_build_object('link', l.id, 'member', m.member_number, 'member_version', m.version,
                           'pms', new.source, 'patient', new.id, 'patient_version', new.version,
                           'gone', new.removed_at is not null)
  from links l join members m on m.practice_id = l.practice_id and m.id = l.member_id
  where l.practice_id = new.practice_id and l.patient_id = new.id and l.ended_at is null;
  return null;
end $$;
-- A chart that comes for the first time is nobody's yet: a first load calls nothing here.
create constraint trigger tell_of_patient after update on patients
  deferrable initially deferred for each row
  when (old.content_hash <> new.content_hash or (old.removed_at is null) <> (new.removed_at is null))
  execute function tell_of_patient();

create function tell_of_duplicate() returns trigger language plpgsql
  set plan_cache_mode = force_generic_plan as $$
begin
  insert into events (practice_id, type, subject, data)
  select new.practice_id, 'pmslink.duplicate.found', 'duplicates/' || new.id,
         case when new.kind = 'CHART'
           then json_build_object('duplicate', new.id, 'kind', 'patient', 'grade', lower(new.grade),
                                  'patients', json_build_array(new.one, new.other))
           else json_build_object('duplicate', new.id, 'kind', 'member', 'grade', lower(new.grade),
                                  'members', (select json_agg(m.member_number order by m.id) from members m
                                              where m.practice_id = new.practice_id
                                                and m.id in (new.one, new.other))) end;
  return null;
end $$;
create constraint trigger tell_of_duplicate_found after insert on duplicates
  deferrable initially deferred for each row when (new.closed_at is null) execute function tell_of_duplicate();
create constraint trigger tell_of_duplicate_found_again after update on duplicates
  deferrable initially deferred for each row when (old.closed_at is not null and new.closed_at is null)
  execute function tell_of_duplicate();

-- Who is told of events over HTTP.
create table webhooks (
  id            bigint generated always as identity primary key,
  practice_id   integer not null references practices,
  name          text not null,
  url           text not null,
  secret        bytea not null,                       -- sealed
  private_network boolean not null,                   -- it may lie there
  created_at    timestamptz not null default now(),
  removed_at    timestamptz,
  failing_since timestamptz,
  failures      integer not null default 0,           -- in a row
  next_turn_at  timestamptz not null default now(),
  last_answer   text                                  -- a status, or what kind of failure
);
create unique index one_webhook_of_a_name on webhooks (practice_id, name) where removed_at is null;

create table webhook_deliveries (
  practice_id     integer not null,
  webhook_id      bigint not null,
  event_id        bigint not null,                    -- events.id: the order
  subject         text not null,
  state           text not null default 'WAITING' check (state in ('WAITING', 'DELIVERED', 'GIVEN_UP')),
  attempts        integer not null default 0,
  waiting_since   timestamptz not null default now(),
  next_attempt_at timestamptz not null default now(),
  last_answer     text,
  ended_at        timestamptz,
  primary key (practice_id, webhook_id, event_id)
);
create index webhook_deliveries_waiting on webhook_deliveries (practice_id, webhook_id, event_id)
  where state = 'WAITING';
create index webhook_deliveries_waiting_by_subject
  on webhook_deliveries (practice_id, webhook_id, subject, event_id) where state = 'WAITING';
create index webhook_deliveries_given_up on webhook_deliveries (practice_id, webhook_id, event_id)
  where state = 'GIVEN_UP';

-- What a field of a member was before a feed or a person changed it.
create table member_changes (
  id          bigint generated always as identity primary key,
  practice_id integer not null,
  member_id   bigint not null,
  field       text not null,
  before      text,
  after       text,
  actor       text not null,
  patient_id  bigint,                                 -- the chart that it was filled from
  reason      text,                                   -- of a person who gave one, or what it followed from
  at          timestamptz not null default now()
);
create index member_changes_by_member on member_changes (practice_id, member_id);

-- What became of a member besides its fields: who, when, why, and what it was before. Rows are only ever added. What is made
-- of two is in member_merges.
create table member_events (
  id          bigint generated always as identity primary key,
  practice_id integer not null,
  member_id   bigint not null,
  action      text not null check (action in ('ADDED', 'REMOVED', 'LOCKED')),
  actor       text not null,
  reason      text,
  at          timestamptz not null default now(),
  before      text,                                   -- the status, or the fields that were locked
  after       text,
  from_chart  text                                    -- of one added: the fields that were left as the chart says
);
create index member_events_by_member on member_events (practice_id, member_id);

-- Members that a person has made one, with both as they were: what a person puts together a person can take apart.
create table member_merges (
  id          bigint generated always as identity primary key,
  practice_id integer not null,
  survivor_id bigint not null,
  merged_id   bigint not null check (merged_id <> survivor_id),
  actor       text not null,
  reason      text not null,
  at          timestamptz not null default now(),
  before      jsonb not null,                         -- both members, their links, verdicts and memberships
  first_change bigint not null,                       -- of links, while they were one
  undone_at   timestamptz,
  undone_by   text,
  undo_reason text,
  last_change bigint
);
create unique index one_standing_merge_per_member on member_merges (practice_id, merged_id) where undone_at is null;
create index member_merges_by_survivor on member_merges (practice_id, survivor_id);

-- What the practice sells, and who has it. Visits count against it; they are not written here.
create table plans (
  id           bigint generated always as identity primary key,
  practice_id  integer not null references practices,
  name         text not null,
  entitlements jsonb not null,                        -- name, procedure codes, how many in a year of membership
  created_at   timestamptz not null default now(),
  created_by   text not null,
  retired_at   timestamptz,                           -- sold no more; who has it keeps it
  retired_by   text,
  unique (practice_id, name)
);
create table memberships (
  id          bigint generated always as identity primary key,
  practice_id integer not null,
  member_id   bigint not null,
  plan_id     bigint not null,
  status      text not null check (status in ('ACTIVE', 'PAUSED', 'ENDED')),
  starts_on   date not null,
  ends_on     date check (ends_on >= starts_on)      -- the last day
);
create unique index one_membership_at_a_time on memberships (practice_id, member_id) where status <> 'ENDED';
create index memberships_by_member on memberships (practice_id, member_id);
create index memberships_by_id on memberships (practice_id, id);
create table membership_changes (
  id            bigint generated always as identity primary key,
  practice_id   integer not null,
  membership_id bigint not null,
  action        text not null check (action in ('STARTED', 'PAUSED', 'RESUMED', 'ENDED', 'MERGED', 'RESTORED')),
  actor         text not null,
  reason        text not null,
  at            timestamptz not null default now(),
  before        jsonb
);
create index membership_changes_by_membership on membership_changes (practice_id, membership_id);

create table feeds (
  practice_id      integer not null references practices,
  feed             text not null,
  source           text not null,
  office_zone      text not null default 'UTC',       -- time zone of the office that it reads, as its file says
  state            text not null default 'STARTING' check (state in ('STARTING', 'RUNNING', 'PAUSED', 'REFUSED')),
  reason_category  text,
  reason           text,
  failures         integer not null default 0,
  next_attempt_at  timestamptz,
  sync_asked_at    timestamptz,
  compare_asked_at timestamptz,
  last_pass_at     timestamptz,
  last_compare_at  timestamptz,
  last_received_at timestamptz,                       -- of a feed that is sent to us
  calls_month      date,                              -- of a PMS that counts what it is asked: the month,
  calls            bigint not null default 0,         -- requests in it,
  call_budget      bigint,                            -- and how many it allows
  paused_since     timestamptz,                       -- or refused
  on_hold_since    timestamptz,                       -- a person has paused it, whatever its state is besides
  on_hold_by       text,
  on_hold_why      text,                              -- free of patient data
  clock_off_seconds bigint,                           -- the PMS server's clock less ours, at the last pass
  clock_moved_at   timestamptz,                       -- when a pass last found the PMS server's clock elsewhere than before
  primary key (practice_id, feed)
);

-- Feeds that were silent for longer than is usual for them, or wait for somebody to mend something.
create table alerts (
  id           bigint generated always as identity primary key,
  practice_id  integer not null references practices,
  feed         text not null,
  cause        text not null,
  message      text not null,                         -- free of patient data
  raised_at    timestamptz not null default now(),
  recovered_at timestamptz
);
create unique index one_open_alert_per_feed on alerts (practice_id, feed) where recovered_at is null;

-- The cause is a code; the message may hold what a person has typed, and stays here.
create function tell_of_alert() returns trigger language plpgsql as $$
begin
  insert into events (practice_id, type, subject, data)
  values (new.practice_id,
          case when new.recovered_at is null then 'pmslink.feed.alert' else 'pmslink.feed.recovered' end,
          'feeds/' || new.feed,
          json_build_object('alert', new.id, 'feed', new.feed, 'cause', new.cause));
  return null;
end $$;
create trigger tell_of_alert after insert on alerts for each row execute function tell_of_alert();
create trigger tell_of_alert_that_changed after update on alerts for each row
  when (old.cause <> new.cause or old.recovered_at is distinct from new.recovered_at)
  execute function tell_of_alert();

-- Feed files that the running engine was asked to take up, and what came of it. Without a practice: the file names it.
create table feed_changes (
  id          bigint generated always as identity primary key,
  feed        text not null,
  asked_at    timestamptz not null default now(),
  taken_at    timestamptz,                            -- the engine is about it
  answered_at timestamptz,
  applied     boolean,
  answer      text
);

-- What people have had the engine do with a feed, and what came of it: a check, a dry run, an apply. Without patient data.
create table feed_tasks (
  id          bigint generated always as identity primary key,
  practice_id integer not null references practices,
  feed        text not null,
  kind        text not null check (kind in ('CHECK', 'DRY_RUN', 'APPLY')),
  state       text not null default 'WAITING' check (state in ('WAITING', 'RUNNING', 'DONE', 'FAILED', 'STOPPED')),
  everything  boolean not null,                       -- of a dry run: all streams, and not charts alone
  actor       text not null,
  asked_at    timestamptz not null default now(),
  ended_at    timestamptz,
  read        bigint not null default 0,              -- how far a dry run is
  decided     bigint not null default 0,
  message     text,                                   -- why it failed, or what was done
  report      jsonb                                   -- findings of a check, counts and ids of a dry run
);
create index feed_tasks_by_feed on feed_tasks (practice_id, feed, id);
-- Asked for again while it is under way, it is the same task.
create unique index one_feed_task_at_a_time on feed_tasks (practice_id, feed, kind, everything)
  where state in ('WAITING', 'RUNNING');

-- How far a feed has read one of its record types. Lives here, never in the PMS.
create table feed_cursors (
  practice_id  integer not null references practices,
  feed         text not null,
  record_type  text not null,
  phase        text not null default 'LOAD' check (phase in ('LOAD', 'CHANGES')),
  run_id       bigint,
  page         integer not null default 0,
  after_key    text,
  watermark    text,                                  -- the PMS server's clock when the last complete pass began
  server_clock text,
  our_clock    timestamptz,
  made_with    text,                                  -- versions of mapping and engine that all rows went through
  missing      bigint,                                -- the last comparison missed so many that it removed none,
  missing_of   bigint,                                -- of so many,
  missing_since timestamptz,                          -- as those before it since then
  withheld_since timestamptz,                         -- the PMS allows this stream not to be read, since then
  accepted_missing bigint,                            -- so many are gone indeed, a person has said; for one comparison
  primary key (practice_id, feed, record_type)
);

-- How many events a FHIR subscription has told of, so that the ones that it could not tell of are missed.
create table subscription_events (
  practice_id  integer not null references practices,
  feed         text not null,
  subscription text not null,
  events       bigint not null,
  primary key (practice_id, feed, subscription)
);

create sequence read_versions;

-- One pass over a feed, and page by page what became of it. A page's row is written together with its effects,
-- so a page that arrives twice counts once.
create table feed_runs (
  id          bigint generated always as identity primary key,
  practice_id integer not null references practices,
  feed        text not null,
  source      text not null,
  kind        text not null check (kind in ('FIRST_LOAD', 'CHANGES', 'COMPARISON', 'RECEIVED')),
  phase       text not null default 'READING' check (phase in ('READING', 'DECIDING', 'DONE')),
  last_page   integer not null default 0,
  records     bigint not null default 0,
  expected    bigint,                                   -- patients that a first load will read, where that is told
  sweep_after bigint not null default 0,
  started_at  timestamptz not null default now(),
  read_at     timestamptz,
  finished_at timestamptz
);
create index feed_runs_by_feed on feed_runs (practice_id, feed, id);
create index feed_runs_by_time on feed_runs (practice_id, feed, started_at);
create index feed_runs_open on feed_runs (practice_id) where phase <> 'DONE';

create table feed_pages (
  practice_id   integer not null,
  run_id        bigint not null,
  page          integer not null,
  part          text not null,
  handled       integer not null,
  expected      integer not null,
  records       integer not null,
  unchanged     integer not null,
  linked        integer not null,
  to_review     integer not null,
  unlinked      integer not null,
  dead_lettered integer not null,
  primary key (practice_id, run_id, page, part)
);

-- What became of each record that was pushed to us, for the sender who asks; forgotten after some weeks.
create table received_entries (
  practice_id integer not null,
  run_id      bigint not null,
  stream      text not null,
  entry       integer not null,                       -- its number among what came of the stream, from 1
  source_id   text,
  result      text not null check (result in ('STORED', 'UNCHANGED', 'SUPERSEDED', 'DEAD_LETTER')),
  category    text,
  reason      text,                                   -- free of patient data
  primary key (practice_id, run_id, stream, entry)
);

-- Root causes: letters that failed for the same reason in the same feed and step. Without patient data. A row is only ever
-- added; how many letters it has is counted below.
create table dead_letter_groups (
  practice_id     integer not null references practices,
  group_key       text not null,                      -- a hash of all that follows down to the field
  feed            text not null,
  hop             text not null check (hop in ('match', 'apply')),
  record_type     text not null,
  category        text not null,
  message         text not null,
  mapping         text,                               -- path below the mappings folder
  mapping_version text,
  mapping_line    integer,
  field           text,
  mapping_text    text,                               -- what stands in that line
  assignee        text,                               -- who cares for what comes
  primary key (practice_id, group_key)
);

create table dead_letters (
  id            bigint generated always as identity primary key,
  practice_id   integer not null references practices,
  feed          text not null,
  hop           text not null check (hop in ('match', 'apply')),
  record_type   text not null,
  source_id     text not null,
  group_key     text not null,                        -- why
  payload       bytea not null,                       -- sealed
  version       bigint not null,
  sent_version  bigint,                               -- the version that was last sent back
  edited_at     timestamptz,                          -- the payload is not as it came
  origin_id     bigint,                               -- the letter whose replay failed as this one
  assignee      text,
  attempts      integer not null default 1,
  first_at      timestamptz not null default now(),
  last_at       timestamptz not null default now(),
  state         text not null default 'OPEN' check (state in ('OPEN', 'REPLAYING', 'RESOLVED', 'DISCARDED')),
  closed_at     timestamptz,
  closed_by     text,
  close_reason  text
);
create unique index one_open_dead_letter_per_record on dead_letters (practice_id, feed, hop, record_type, source_id)
  where state in ('OPEN', 'REPLAYING');
-- One for each way to search: a search by feed, category or mapping goes by the groups that have them.
create index dead_letters_by_time on dead_letters (practice_id, state, last_at desc, id desc);
create index dead_letters_by_group on dead_letters (practice_id, group_key, state, last_at desc, id desc);
create index dead_letters_by_source_id on dead_letters (practice_id, source_id);
create index dead_letters_by_assignee on dead_letters (practice_id, assignee, state, last_at desc, id desc)
  where assignee is not null;

-- How many letters came to a group and went from it, hour by hour. Each change adds a row, so that nobody waits for
-- anybody; a little later the rows of an hour are summed up, and added to the totals of the group.
create table dead_letter_counts (
  practice_id integer not null,
  group_key   text not null,
  hour        timestamptz not null,
  came        integer not null,
  went        integer not null,
  first_at    timestamptz,                            -- failures
  last_at     timestamptz,
  summed      boolean not null default false
);
create unique index dead_letter_counts_summed on dead_letter_counts (practice_id, group_key, hour) where summed;
create index dead_letter_counts_to_sum on dead_letter_counts (practice_id, group_key) where not summed;

-- What is summed up of a group, all in all. How many letters it has are these and what is not summed up yet.
create table dead_letter_totals (
  practice_id integer not null,
  group_key   text not null,
  came        bigint not null,
  went        bigint not null,
  first_at    timestamptz,
  last_at     timestamptz,
  primary key (practice_id, group_key)
);

create function count_dead_letters() returns trigger language plpgsql
  -- A join of all rows that one statement has changed, which the sessions' settings would make a loop within a loop.
  set enable_hashjoin = on as $$
begin
  if tg_op = 'INSERT' then
    insert into dead_letter_counts (practice_id, group_key, hour, came, went, first_at, last_at)
    select practice_id, group_key, date_trunc('hour', first_at), count(*), 0, min(first_at), max(last_at)
    from is_now group by 1, 2, 3
    union all
    select practice_id, group_key, date_trunc('hour', closed_at), 0, count(*), null, null
    from is_now where closed_at is not null group by 1, 2, 3;
  else
    insert into dead_letter_counts (practice_id, group_key, hour, came, went, first_at, last_at)
    select n.practice_id, n.group_key, date_trunc('hour', n.last_at),
           count(*) filter (where o.group_key <> n.group_key), 0, min(n.last_at), max(n.last_at)
    from is_now n join was o on o.id = n.id
    where n.closed_at is null and o.closed_at is null and (o.group_key <> n.group_key or o.last_at <> n.last_at)
    group by 1, 2, 3
    union all
    -- Opened again: it went after all not, and is no other letter than before.
    select n.practice_id, n.group_key, date_trunc('hour', now()), 0, -count(*), null, null
    from is_now n join was o on o.id = n.id
    where o.closed_at is not null and n.closed_at is null
    group by 1, 2, 3
    union all
    select o.practice_id, o.group_key, date_trunc('hour', coalesce(n.closed_at, n.last_at)), 0, count(*), null, null
    from is_now n join was o on o.id = n.id
    where o.closed_at is null and (n.closed_at is not null or o.group_key <> n.group_key)
    group by 1, 2, 3;
  end if;
  return null;
end $$;
create trigger count_dead_letters_that_come after insert on dead_letters
  referencing new table as is_now for each statement execute function count_dead_letters();
create trigger count_dead_letters_that_change after update on dead_letters
  referencing old table as was new table as is_now for each statement execute function count_dead_letters();

-- What people did with a letter, or with a whole group. Rows are only ever added.
create table dead_letter_events (
  id          bigint generated always as identity primary key,
  practice_id integer not null,
  letter_id   bigint,                                 -- none: with the group
  group_key   text,
  action      text not null check (action in ('REVEALED', 'EDITED', 'DISCARDED', 'REOPENED', 'ASSIGNED', 'NOTED')),
  actor       text not null,
  at          timestamptz not null default now(),
  detail      text not null,                          -- reason, note, assignee
  before      bytea,                                  -- of an edit: the payload as it was, sealed
  as_it_came  boolean not null default false          -- and whether nobody had edited that one
);
create index dead_letter_events_by_letter on dead_letter_events (practice_id, letter_id) where letter_id is not null;
create index dead_letter_events_by_group on dead_letter_events (practice_id, group_key) where letter_id is null;

-- Replays that people asked for: which letters, how far, and what became of each. What a letter's replay has come to is
-- written in the transaction that makes it true.
create table replay_tasks (
  id          bigint generated always as identity primary key,
  practice_id integer not null references practices,
  request_key text,                                   -- asked twice with the same key: the same task
  selection   text not null,
  actor       text not null,
  per_second  integer not null,
  state       text not null default 'RUNNING' check (state in ('RUNNING', 'PAUSED', 'STOPPED', 'DONE')),
  left_out    integer not null,                       -- more letters than a task takes
  asked_at    timestamptz not null default now(),
  finished_at timestamptz,
  unique (practice_id, request_key)
);
create index replay_tasks_by_id on replay_tasks (practice_id, id);
create index replay_tasks_to_do on replay_tasks (practice_id, id) where finished_at is null;

create table replay_items (
  practice_id  integer not null,
  task_id      bigint not null,
  letter_id    bigint not null,
  state        text not null check (state in ('WAITING', 'SENT', 'PASSED', 'FAILED', 'SUPERSEDED', 'SKIPPED')),
  sent_at      timestamptz,
  confirmed    boolean not null default false,        -- it is on the queue
  decided_at   timestamptz,
  reason       text,                                  -- free of patient data
  became       bigint,                                -- the letter that it failed as
  primary key (practice_id, task_id, letter_id)
);
create unique index one_replay_at_a_time on replay_items (practice_id, letter_id) where state in ('WAITING', 'SENT');
create index replay_items_by_state on replay_items (practice_id, task_id, state, letter_id);
create index replay_items_by_letter on replay_items (practice_id, letter_id);

-- Who may call the engine: programs, each with a token for one practice. The token itself is kept nowhere.
create table access_tokens (
  id           bigint generated always as identity primary key,
  practice_id  integer not null references practices,
  name         text not null unique,                  -- of all practices, and never given twice: the audit names it
  role         text not null,                         -- what its bearer may do there
  token_hash   bytea not null unique,                 -- SHA-256
  created_at   timestamptz not null default now(),
  last_used_at timestamptz,                           -- to the minute
  revoked_at   timestamptz
);

-- What was answered to programs that created something and named their request (Idempotency-Key), so that the same
-- request creates nothing twice. A row is written in the transaction that creates; forgotten after a day.
create table api_creations (
  practice_id integer not null,
  caller      text not null,
  request_key text not null,
  request     bytea not null,                         -- SHA-256 of its address and body
  location    text,
  etag        text,
  body        json,
  created_at  timestamptz not null default now(),
  primary key (practice_id, caller, request_key)
);
create index api_creations_by_time on api_creations (practice_id, created_at);

-- Signatures of requests that were taken, for as long as they could be sent again.
create table used_signatures (
  practice_id integer not null,
  feed        text not null,
  signature   bytea not null,
  used_at     timestamptz not null default now(),
  primary key (practice_id, feed, signature)
);

-- What HL7 messages have said of a chart so far, because a message may say only what has changed.
create table hl7_charts (
  practice_id integer not null,
  feed        text not null,
  source_id   text not null,
  version     bigint not null,                        -- of the record that the newest of them came as
  segments    bytea not null,                         -- sealed
  updated_at  timestamptz not null default now(),
  primary key (practice_id, feed, source_id)
);

-- HL7 messages that were taken, so that one that is sent again changes nothing.
create table hl7_messages (
  practice_id integer not null,
  feed        text not null,
  message     bytea not null,                         -- SHA-256 of sender and control id
  content     bytea not null,                         -- SHA-256 of what it said
  received_at timestamptz not null default now(),
  primary key (practice_id, feed, message)
);
create index hl7_messages_by_time on hl7_messages (practice_id, received_at);

-- HL7 messages of which no record could be made, and the letters that they became where no chart is known: when the
-- sender sends one again in good order, its letters are closed.
create table hl7_failed (
  practice_id integer not null,
  feed        text not null,
  message     bytea not null,                         -- SHA-256 of sender, control id and event
  source_id   text not null,                          -- of the letter
  received_at timestamptz not null default now(),
  primary key (practice_id, feed, message, source_id)
);
create index hl7_failed_by_time on hl7_failed (practice_id, received_at);

-- Who did or saw what, and what became of it; without patient data. Rows are only ever added, and each holds a keyed hash over
-- itself and the one before it in its practice, so that one that is missing or was altered shows.
create table audit (
  id          bigint generated always as identity primary key,
  practice_id integer not null,                       -- 0: refused, and the practice that was named is none of ours
  actor       text not null,                          -- what a person signs in as, name of a token, or 'unknown'
  action      text not null,
  at          timestamptz not null default now(),
  detail      text not null,
  chain       bytea not null                          -- HMAC-SHA256
);
create index audit_by_practice on audit (practice_id, id);
create index audit_by_actor on audit (practice_id, lower(actor), id);
create index audit_by_action on audit (practice_id, action, id);
create index audit_by_time on audit (practice_id, at);

-- The words of a detail, of whom it speaks among them, each with the practice: so that who saw somebody is found without
-- reading what everybody did. The details are what the chain holds; this is only a way to find them.
create function audit_words(practice integer, detail text) returns text[] language sql immutable parallel safe as $$
  select string_to_array(
    practice::text || ' ' || regexp_replace(detail, '[][,:;]*\s+[][]*|[][,;]+', E'\x1F' || practice::text || ' ', 'g'), E'\x1F')
$$;
-- Written at once, and not put off: who waits for it is whoever adds a row to the chain.
create index audit_by_subject on audit using gin (audit_words(practice_id, detail)) with (fastupdate = off);

-- Where each practice's chain ends, so that one that was cut short shows too.
create table audit_ends (
  practice_id integer primary key,
  entries     bigint not null,
  chain       bytea not null,
  seal        bytea not null                          -- HMAC-SHA256 over the two
);

-- People who sign in, with a password or through a provider of OpenID Connect, which knows them as its subject. A role
-- without a practice is one in every practice.
create table users (
  id                   bigint generated always as identity primary key,
  login                text not null unique check (login = lower(login)),
  password_hash        text,
  issuer               text,
  subject              text,
  must_change_password boolean not null,
  sessions_valid_from  timestamptz not null default now(),
  created_at           timestamptz not null default now(),
  disabled_at          timestamptz,
  unique (issuer, subject),
  check ((password_hash is null) = (subject is not null) and (issuer is null) = (subject is null))
);
create table user_roles (
  user_id     bigint not null references users,
  practice_id integer references practices,
  role        text not null check (role in ('FRONT_DESK', 'MANAGER', 'SUPPORT', 'IT', 'AUDITOR')),
  granted_at  timestamptz not null default now(),
  unique nulls not distinct (user_id, practice_id, role)
);
