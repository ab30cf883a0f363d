-- MolarSoft, an invented PMS on PostgreSQL: padded numbers, a name in one field, dates as they were typed, several
-- telephones in one field, money in dollars, and stamps in the office's own time.
create table client (
  client_no      char(8) primary key,
  full_name      varchar(60) not null,
  known_as       varchar(30),
  dob            varchar(10),
  sex            char(1),
  phones         varchar(80),
  email          varchar(80),
  street         varchar(60),
  town           varchar(40),
  st             char(2),
  zip            varchar(10),
  acct_state     smallint not null default 1,
  household_head char(8),
  remarks        text,
  edited         timestamp not null default (current_timestamp at time zone 'America/New_York')
);
create table posting (
  posting_no integer generated always as identity primary key,
  client_no  char(8) not null,
  day        date not null,
  kind       char(1) not null,
  dollars    numeric(9, 2) not null,
  void       boolean not null default false,
  edited     timestamp not null default (current_timestamp at time zone 'America/New_York')
);

insert into client (client_no, full_name, known_as, dob, sex, phones, email, street, town, st, zip, acct_state,
                    household_head) values
('C-1001', 'Lindqvist, Marta J', null, '3/9/1984', 'F', '(614) 228-1000 or 614-228-1001', 'marta@buckeyemail.com',
 '12 Oak Street', 'Columbus', 'OH', '43215', 1, 'C-1001'),
('C-1002', 'Lindqvist, Per', 'Pelle', '11/30/2012', 'M', '(614) 228-1000', null, '12 Oak Street', 'Columbus', 'OH',
 '43215', 1, 'C-1001'),
('C-1003', 'Okafor, Chidi B Jr.', null, '7/1/1979', 'M', '614.228.2044', 'chidi.okafor@buckeyemail.com',
 '9 Elm Avenue Apt 3', 'Columbus', 'OH', '43201', 1, 'C-1003'),
('C-1004', 'Brandt, Ute', null, 'unknown', '-', null, null, null, null, null, null, 3, null),
('C-1005', 'Haddad, Samira', 'Sam', '2/28/1991', 'F', '614-228-3310; 614-228-3311', 'sam.haddad@buckeyemail.com',
 '77 Birch Road', 'Dublin', 'OH', '43017', 1, 'C-1005');
insert into posting (client_no, day, kind, dollars) values
('C-1001', '2026-06-02', 'C', 129.00), ('C-1001', '2026-06-02', 'P', 29.00), ('C-1003', '2026-06-11', 'C', 85.50);

create user pmslink_reader password 'reads-only';
grant select on client, posting to pmslink_reader;
