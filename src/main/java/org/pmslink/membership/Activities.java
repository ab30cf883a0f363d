package org.pmslink.membership;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.activity.ActivityRecord;
import org.pmslink.patient.RecordJson;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * Visits, transactions, providers and clinics in the store. A member's visits are those of the
 * chart that is linked to it now, and of the charts that were merged into that one; nothing here
 * knows a member.
 */
@Component
public class Activities {
  private static final String KEYS =
      "practice_id, source, stream, source_id, version, fingerprint, content_hash,"
          + " source_modified_at";

  private final JdbcTemplate database;

  Activities(JdbcTemplate database) {
    this.database = database;
  }

  /** The tables, with the columns of their own. */
  private enum Table {
    VISITS(
        ActivityRecord.Visit.class,
        "patient_source_id, on_date, starts_at, ends_at, status, appointment, provider, clinic,"
            + " procedure_codes"),
    TRANSACTIONS(
        ActivityRecord.Transaction.class,
        "patient_source_id, payer_source_id, on_date, type, amount_cents, code, voided, provider,"
            + " clinic"),
    PROVIDERS(ActivityRecord.Provider.class, "abbreviation, family, given, suffix, npi, active"),
    CLINICS(ActivityRecord.Clinic.class, "name, abbreviation, active");

    final Class<? extends ActivityRecord> type;

    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    final List<String> columns;

    Table(Class<? extends ActivityRecord> type, String columns) {
      this.type = type;
      this.columns = List.of(columns.split(",\\s*"));
    }

    String sqlName() {
      return name().toLowerCase(Locale.ROOT);
    }

    static Table of(ActivityRecord record) {
      for (Table table : values()) {
        if (table.type.isInstance(record)) {
          return table;
        }
      }
      throw new IllegalArgumentException("no table for " + record.getClass().getSimpleName());
    }

    /** A stream's name begins with that of its type. */
    static Table of(String stream) {
      int slash = stream.indexOf('/');
      return valueOf(slash < 0 ? stream : stream.substring(0, slash));
    }
  }

  /**
   * What the store has of a record.
   *
   * @param gone gone from the PMS
   * @param modifiedAt the PMS's own stamp
   */
  public record Known(
      long fingerprint, long contentHash, boolean gone, @Nullable Instant modifiedAt) {}

  /** Those of these records that the store has. */
  public Map<String, Known> known(
      int practice, String source, String stream, Collection<String> sourceIds) {
    Map<String, Known> known = new HashMap<>();
    if (sourceIds.isEmpty()) {
      return known;
    }
    database.query(
        "select source_id, fingerprint, content_hash, removed_at is not null,"
            + " source_modified_at from "
            + Table.of(stream).sqlName()
            + " where practice_id = ? and source = ? and stream = ? and source_id = any (?)",
        row -> {
          Timestamp stamp = row.getTimestamp(5);
          known.put(
              row.getString(1),
              new Known(
                  row.getLong(2),
                  row.getLong(3),
                  row.getBoolean(4),
                  stamp == null ? null : stamp.toInstant()));
        },
        practice,
        source,
        stream,
        sourceIds.toArray(String[]::new));
    return known;
  }

  /** How many records of a stream are not gone from the PMS. */
  public long countPresent(int practice, String source, String stream) {
    Long count =
        database.queryForObject(
            "select count(*) from "
                + Table.of(stream).sqlName()
                + " where practice_id = ? and source = ? and stream = ? and removed_at is null",
            Long.class,
            practice,
            source,
            stream);
    return count == null ? 0 : count;
  }

  /** Ids of such records behind {@code after}, in order, at most a page of them. */
  public List<String> present(int practice, String source, String stream, String after, int limit) {
    return database.queryForList(
        "select source_id from "
            + Table.of(stream).sqlName()
            + " where practice_id = ? and source = ? and stream = ? and source_id > ?"
            + " and removed_at is null order by source_id limit ?",
        String.class,
        practice,
        source,
        stream,
        after,
        limit);
  }

  /** Keeps records; an older version than the stored one changes nothing. */
  void keep(int practice, String source, List<Command.Activity> commands) {
    Map<Table, Map<String, Command.Activity>> newest = new EnumMap<>(Table.class);
    for (Command.Activity command : commands) {
      newest
          .computeIfAbsent(Table.of(command.record()), t -> new LinkedHashMap<>())
          .merge(
              command.stream() + " " + command.sourceId(),
              command,
              (a, b) -> b.version() >= a.version() ? b : a);
    }
    newest.forEach((table, records) -> upsert(table, practice, source, records.values()));
  }

  private void upsert(
      Table table, int practice, String source, Collection<Command.Activity> commands) {
    ArrayNode rows = RecordJson.mapper().createArrayNode();
    for (Command.Activity command : commands) {
      ObjectNode row = rows.addObject();
      row.put("practice_id", practice);
      row.put("source", source);
      row.put("stream", command.stream());
      row.put("source_id", command.sourceId());
      row.put("version", command.version());
      row.put("fingerprint", command.fingerprint());
      row.put("content_hash", command.contentHash());
      row.put("source_modified_at", text(command.record().sourceModifiedAt()));
      fill(row, command.record());
    }
    String columns = KEYS + ", " + String.join(", ", table.columns);
    // In the order of the key, so that two transactions never wait for one another.
    database.update(
        "insert into "
            + table.sqlName()
            + " as a ("
            + columns
            + ") select "
            + columns
            + " from json_populate_recordset(null::"
            + table.sqlName()
            + ", ?::json) order by stream, source_id on conflict (practice_id, source, stream, source_id)"
            + " do update set version = excluded.version, fingerprint = excluded.fingerprint,"
            + " content_hash = excluded.content_hash,"
            + " source_modified_at = excluded.source_modified_at, removed_at = null,"
            + " updated_at = now(), "
            + table.columns.stream()
                .map(c -> c + " = excluded." + c)
                .collect(Collectors.joining(", "))
            + " where a.version <= excluded.version",
        RecordJson.write(rows));
  }

  private static void fill(ObjectNode row, ActivityRecord record) {
    if (record instanceof ActivityRecord.Visit visit) {
      row.put("patient_source_id", visit.patient());
      row.put("on_date", text(visit.onDate()));
      row.put("starts_at", text(visit.startsAt()));
      row.put("ends_at", text(visit.endsAt()));
      row.put("status", visit.status().name());
      row.put("appointment", visit.appointment());
      row.put("provider", visit.provider());
      row.put("clinic", visit.clinic());
      ArrayNode codes = row.putArray("procedure_codes");
      visit.procedureCodes().forEach(codes::add);
    } else if (record instanceof ActivityRecord.Transaction transaction) {
      row.put("patient_source_id", transaction.patient());
      row.put("payer_source_id", transaction.payer());
      row.put("on_date", text(transaction.onDate()));
      row.put("type", transaction.type().name());
      row.put("amount_cents", transaction.amountCents());
      row.put("code", transaction.code());
      row.put("voided", transaction.voided());
      row.put("provider", transaction.provider());
      row.put("clinic", transaction.clinic());
    } else if (record instanceof ActivityRecord.Provider provider) {
      row.put("abbreviation", provider.abbreviation());
      row.put("family", provider.family());
      row.put("given", provider.given());
      row.put("suffix", provider.suffix());
      row.put("npi", provider.npi());
      row.put("active", provider.active());
    } else if (record instanceof ActivityRecord.Clinic clinic) {
      row.put("name", clinic.name());
      row.put("abbreviation", clinic.abbreviation());
      row.put("active", clinic.active());
    }
  }

  private static @Nullable String text(@Nullable Object value) {
    return value == null ? null : value.toString();
  }

  /**
   * Marks records as gone. One that the store does not have is noted all the same: its older
   * version may still be on the way.
   */
  void remove(int practice, String source, List<Command.Remove> commands) {
    Map<Table, List<Command.Remove>> byTable =
        commands.stream()
            .collect(
                Collectors.groupingBy(
                    c -> Table.of(c.stream()),
                    () -> new EnumMap<>(Table.class),
                    Collectors.toList()));
    byTable.forEach(
        (table, removals) ->
            database.update(
                "insert into "
                    + table.sqlName()
                    + " as a ("
                    + KEYS
                    + ", removed_at) select distinct on (t.stream, t.source_id) ?, ?, t.stream,"
                    + " t.source_id, t.version, 0, 0, null::timestamptz, now()"
                    + " from unnest(?::text[], ?::text[], ?::bigint[])"
                    + " as t (stream, source_id, version)"
                    + " order by t.stream, t.source_id, t.version desc"
                    + " on conflict (practice_id, source, stream, source_id) do update"
                    + " set version = excluded.version, removed_at = now(), updated_at = now()"
                    + " where a.version <= excluded.version and a.removed_at is null",
                practice,
                source,
                strings(removals, Command.Remove::stream),
                strings(removals, Command.Remove::sourceId),
                removals.stream().mapToLong(Command.Remove::version).toArray()));
  }

  private static String[] strings(
      List<Command.Remove> removals, Function<Command.Remove, String> value) {
    return removals.stream().map(value).toArray(String[]::new);
  }

  /**
   * A visit of a member: one day at one chart, with all appointments and procedures of that day.
   *
   * @param source the PMS installation
   * @param patient the chart's id in it
   * @param status COMPLETED when anything of that day was, else what is furthest along
   * @param provider their id in the PMS
   * @param providerName as the PMS tells it; absent when it does not
   * @param clinic its id in the PMS
   * @param clinicName likewise
   * @param procedureCodes what was done, in order, each as often as it was done
   */
  public record MemberVisit(
      String source,
      String patient,
      LocalDate onDate,
      @Nullable Instant startsAt,
      String status,
      @Nullable String provider,
      @Nullable String providerName,
      @Nullable String clinic,
      @Nullable String clinicName,
      List<String> procedureCodes) {}

  /**
   * A line of the ledger of a member's chart.
   *
   * @param id its stream and its id there, unique in the source
   */
  public record MemberTransaction(
      String id,
      String source,
      String patient,
      @Nullable String payer,
      LocalDate onDate,
      String type,
      long amountCents,
      @Nullable String code,
      boolean voided,
      @Nullable String provider,
      @Nullable String providerName,
      @Nullable String clinic,
      @Nullable String clinicName) {}

  /** Names of a provider p and a clinic c. */
  private static final String NAMES =
      """
      coalesce(nullif(concat_ws(' ', p.given, p.family), ''), p.abbreviation),
      coalesce(c.name, c.abbreviation)""";

  /** The provider and the clinic of a row a, which a PMS names by their ids. */
  private static final String WITH_NAMES =
      """

      left join providers p on p.practice_id = ? and p.source = a.source
        and p.stream = 'PROVIDERS' and p.source_id = a.provider and p.removed_at is null
      left join clinics c on c.practice_id = ? and c.source = a.source
        and c.stream = 'CLINICS' and c.source_id = a.clinic and c.removed_at is null
      """;

  /** Whose visits and transactions are looked for: the charts that a member's link leads to now. */
  private static final String OF_MEMBER =
      """
      with recursive charts as (
        select p.source, p.source_id from members m
        join links l on l.practice_id = m.practice_id and l.member_id = m.id and l.ended_at is null
        join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        where m.practice_id = ? and m.member_number = ?
      """;

  private static final String OF_CHART =
      """
      with recursive charts as (
        select p.source, p.source_id from patients p where p.practice_id = ? and p.id = ?
      """;

  /**
   * Behind either: these charts, and all that were merged into them. Not what the PMS only says was
   * merged: a chart that another member is linked to is theirs until a person has decided.
   */
  private static final String AND_MERGED =
      """
        union
        select p.source, p.source_id from charts c
        join patients p on p.practice_id = ? and p.source = c.source and p.merged_into = c.source_id
        where not exists (select 1 from links l where l.patient_id = p.id and l.ended_at is null))
      """;

  /** The member's visits, latest first; none while it is not linked. */
  public List<MemberVisit> visitsOf(int practice, String memberNumber) {
    return visits(OF_MEMBER, practice, memberNumber);
  }

  /** Likewise of a chart, by its number here. */
  public List<MemberVisit> visitsOf(int practice, long chart) {
    return visits(OF_CHART, practice, chart);
  }

  private List<MemberVisit> visits(String whose, int practice, Object which) {
    return database.query(
        whose
            + AND_MERGED
            + """
            , days as (
              select v.source, v.patient_source_id, v.on_date, min(v.starts_at) as starts_at,
                     (array_agg(v.status order by array_position(
                        array['COMPLETED', 'SCHEDULED', 'BROKEN', 'CANCELLED'], v.status)))[1]
                       as status,
                     (array_agg(v.provider order by v.starts_at nulls last, v.source_id)
                        filter (where v.provider is not null))[1] as provider,
                     (array_agg(v.clinic order by v.starts_at nulls last, v.source_id)
                        filter (where v.clinic is not null))[1] as clinic,
                     string_agg(array_to_string(v.procedure_codes, ' '), ' ') as codes
              from visits v
              join charts c on c.source = v.source and c.source_id = v.patient_source_id
              where v.practice_id = ? and v.removed_at is null and v.status <> 'DELETED'
                and v.on_date is not null
              group by v.source, v.patient_source_id, v.on_date)
            select a.source, a.patient_source_id, a.on_date, a.starts_at, a.status, a.provider,
                   a.clinic, a.codes,
            """
            + NAMES
            + " from days a"
            + WITH_NAMES
            + "order by a.on_date desc, a.source, a.patient_source_id",
        (row, n) ->
            new MemberVisit(
                row.getString(1),
                row.getString(2),
                row.getDate(3).toLocalDate(),
                row.getTimestamp(4) == null ? null : row.getTimestamp(4).toInstant(),
                row.getString(5),
                row.getString(6),
                row.getString(9),
                row.getString(7),
                row.getString(10),
                Stream.of(row.getString(8).split(" ")).filter(c -> !c.isEmpty()).sorted().toList()),
        practice,
        which,
        practice,
        practice,
        practice,
        practice);
  }

  /** A procedure that was completed at a member's chart. */
  public record DoneProcedure(LocalDate onDate, String code) {}

  /** What was done for a member: once for each time it was done; nothing while it is not linked. */
  public List<DoneProcedure> proceduresOf(int practice, String memberNumber) {
    return database.query(
        OF_MEMBER
            + AND_MERGED
            + """
            select v.on_date, upper(p.code)
            from visits v
            join charts c on c.source = v.source and c.source_id = v.patient_source_id
            cross join unnest(v.procedure_codes) as p (code)
            where v.practice_id = ? and v.removed_at is null and v.status = 'COMPLETED'
              and v.on_date is not null""",
        (row, n) -> new DoneProcedure(row.getDate(1).toLocalDate(), row.getString(2)),
        practice,
        memberNumber,
        practice,
        practice);
  }

  /** The ledger of the member's charts, latest first; empty while it is not linked. */
  public List<MemberTransaction> transactionsOf(int practice, String memberNumber) {
    return transactions(OF_MEMBER, practice, memberNumber);
  }

  /** Likewise of a chart, by its number here. */
  public List<MemberTransaction> transactionsOf(int practice, long chart) {
    return transactions(OF_CHART, practice, chart);
  }

  private List<MemberTransaction> transactions(String whose, int practice, Object which) {
    return database.query(
        whose
            + AND_MERGED
            + """
            , lines as (
              select t.* from transactions t
              join charts c on c.source = t.source and c.source_id = t.patient_source_id
              where t.practice_id = ? and t.removed_at is null)
            select a.stream || '/' || a.source_id, a.source, a.patient_source_id,
                   a.payer_source_id, a.on_date, a.type, a.amount_cents, a.code, a.voided,
                   a.provider, a.clinic,
            """
            + NAMES
            + " from lines a"
            + WITH_NAMES
            + "order by a.on_date desc, a.stream, a.source_id",
        (row, n) ->
            new MemberTransaction(
                row.getString(1),
                row.getString(2),
                row.getString(3),
                row.getString(4),
                row.getDate(5).toLocalDate(),
                row.getString(6),
                row.getLong(7),
                row.getString(8),
                row.getBoolean(9),
                row.getString(10),
                row.getString(12),
                row.getString(11),
                row.getString(13)),
        practice,
        which,
        practice,
        practice,
        practice,
        practice);
  }
}
