package org.pmslink.sample;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowCallbackHandler;

/**
 * Who is who in the sample practice, whatever its records say. Kept on the practice's server, so
 * that a run that is killed and started again asks the same truth.
 *
 * <p>Two questions have two answers. Whether a link is <em>right</em> is {@link #samePerson}:
 * anything else is a false link. Whether a link is <em>due</em> is {@link Label#MATCH}.
 */
final class Truth {

  /** What a careful human could do with a member, seeing all records. */
  enum Label {
    /** Given name or its nickname, family name, birth date and a contact agree, with no rival. */
    MATCH,
    /** The member has a chart, but the records fall short, or a second chart or member exists. */
    REVIEW,
    /** Nobody in the practice. */
    NONE
  }

  /**
   * A member and the chart it belongs to.
   *
   * @param patNum the chart left after merges; empty when there is none
   */
  record Member(
      String number, long personId, @Nullable Long patNum, Label label, Set<String> traps) {}

  /**
   * A chart that a row once stood for.
   *
   * @param personId empty when the chart is nobody
   * @param survivor the chart left after merges, itself when not merged
   * @param gone whether the row has been deleted from the practice
   */
  record ChartOf(
      long patNum, @Nullable Long personId, long survivor, boolean gone, Set<String> traps) {}

  /** Rows in the truth. */
  record Counts(
      long charts, long people, long members, long matches, long reviews, long strangers) {}

  private static final Pattern TAIL = Pattern.compile("(x|ask).*");
  private static final Pattern NO_DIGIT = Pattern.compile("\\D");
  private static final String MEMBERS =
      "SELECT number, person_id, pat_num, label, traps FROM truth.member";
  private static final String CHARTS =
      "SELECT pat_num, person_id, survivor, gone, traps FROM truth.chart";

  private final JdbcTemplate jdbc;

  private Truth(DataSource dataSource) {
    this.jdbc = new JdbcTemplate(dataSource);
    // The driver holds a whole result in memory unless told otherwise.
    this.jdbc.setFetchSize(5_000);
  }

  static Truth of(OpenDentalServer server) {
    return new Truth(server.dataSource());
  }

  static String memberNumber(long number) {
    return String.format(Locale.ROOT, "M%06d", number);
  }

  static long memberIndex(String memberNumber) {
    return Long.parseLong(memberNumber.substring(1));
  }

  Optional<Long> personOfChart(long patNum) {
    return first("SELECT person_id FROM truth.chart WHERE pat_num = ?", patNum);
  }

  Optional<Long> personOfMember(String memberNumber) {
    return first("SELECT person_id FROM truth.member WHERE number = ?", memberIndex(memberNumber));
  }

  Optional<Member> member(String memberNumber) {
    return jdbc
        .query(MEMBERS + " WHERE number = ?", (row, i) -> member(row), memberIndex(memberNumber))
        .stream()
        .findFirst();
  }

  boolean samePerson(long patNum, String memberNumber) {
    Optional<Long> person = personOfChart(patNum);
    return person.isPresent() && person.equals(personOfMember(memberNumber));
  }

  /** In the order of their numbers, without holding them all. */
  void forEachMember(Consumer<Member> consumer) {
    jdbc.query(
        MEMBERS + " ORDER BY number", (RowCallbackHandler) row -> consumer.accept(member(row)));
  }

  /** In the order of their numbers, without holding them all. */
  void forEachChart(Consumer<ChartOf> consumer) {
    jdbc.query(
        CHARTS + " ORDER BY pat_num",
        (RowCallbackHandler)
            row ->
                consumer.accept(
                    new ChartOf(
                        row.getLong(1),
                        nullable(row, 2),
                        row.getLong(3),
                        row.getBoolean(4),
                        names(row.getString(5)))));
  }

  Counts counts() {
    Counts counts =
        jdbc.queryForObject(
            "SELECT (SELECT COUNT(*) FROM truth.chart),"
                + " (SELECT COUNT(DISTINCT person_id) FROM truth.chart),"
                + " COUNT(*), SUM(label = 'match'), SUM(label = 'review'), SUM(label = 'none')"
                + " FROM truth.member",
            (row, i) ->
                new Counts(
                    row.getLong(1),
                    row.getLong(2),
                    row.getLong(3),
                    row.getLong(4),
                    row.getLong(5),
                    row.getLong(6)));
    return java.util.Objects.requireNonNull(counts);
  }

  /** How often each trap was laid, in charts and in members. */
  Map<String, Integer> trapCounts() {
    Map<String, Integer> counts = new TreeMap<>();
    for (String table : List.of("chart", "member")) {
      jdbc.query(
          "SELECT traps FROM truth." + table + " WHERE traps <> ''",
          (RowCallbackHandler)
              row -> names(row.getString(1)).forEach(t -> counts.merge(t, 1, Integer::sum)));
    }
    return counts;
  }

  /** The whole truth in arrays: some 30 bytes a chart, for asking a million times. */
  Loaded load() {
    Long size = jdbc.queryForObject("SELECT COUNT(*) FROM truth.chart", Long.class);
    Long last =
        jdbc.queryForObject("SELECT COALESCE(MAX(number), 0) FROM truth.member", Long.class);
    int charts = Math.toIntExact(size == null ? 0 : size);
    Loaded loaded =
        new Loaded(
            new long[charts],
            new long[charts],
            new long[charts],
            new long[Math.toIntExact(last == null ? 0 : last) + 1]);
    int[] next = {0};
    forEachChart(
        chart -> {
          int i = next[0]++;
          loaded.charts[i] = chart.patNum();
          loaded.people[i] = chart.personId() == null ? 0 : chart.personId();
          loaded.survivors[i] = chart.survivor();
        });
    forEachMember(m -> loaded.members[(int) memberIndex(m.number())] = m.personId());
    return loaded;
  }

  /** The truth at the time of loading. */
  static final class Loaded {
    private final long[] charts;
    private final long[] people;
    private final long[] survivors;
    private final long[] members;

    private Loaded(long[] charts, long[] people, long[] survivors, long[] members) {
      this.charts = charts;
      this.people = people;
      this.survivors = survivors;
      this.members = members;
    }

    /** 0 when the chart is nobody or unknown. */
    long personOfChart(long patNum) {
      int i = Arrays.binarySearch(charts, patNum);
      return i < 0 ? 0 : people[i];
    }

    /** 0 when the chart is unknown. */
    long survivorOf(long patNum) {
      int i = Arrays.binarySearch(charts, patNum);
      return i < 0 ? 0 : survivors[i];
    }

    /** 0 when the member is unknown. */
    long personOfMember(String memberNumber) {
      long i = memberIndex(memberNumber);
      return i < members.length ? members[(int) i] : 0;
    }

    boolean samePerson(long patNum, String memberNumber) {
      long person = personOfChart(patNum);
      return person != 0 && person == personOfMember(memberNumber);
    }
  }

  /**
   * The telephones and e-mails a chart's fields hold, as one would read them: ten digits, lower
   * case. Fillers come out like any other; no member has them.
   */
  static Set<String> contacts(String home, String work, String mobile, String email) {
    Set<String> contacts = new LinkedHashSet<>();
    for (String phone : List.of(home, work, mobile)) {
      String digits = NO_DIGIT.matcher(TAIL.matcher(phone).replaceFirst("")).replaceAll("");
      if (digits.length() >= 10) {
        contacts.add(digits.substring(digits.length() - 10));
      }
    }
    for (String address : email.toLowerCase(Locale.ROOT).split("[;,\\s]+")) {
      if (address.contains("@")) {
        contacts.add(address);
      }
    }
    return contacts;
  }

  /** Which label follows from the facts; the one place that says what proves a match. */
  static Label label(
      int liveCharts,
      int status,
      boolean nameAgrees,
      boolean birthDateAgrees,
      boolean ambiguous,
      boolean contactAgrees) {
    if (liveCharts == 0) {
      return Label.NONE;
    }
    boolean current = status == 0 || status == 2 || status == 6;
    return liveCharts == 1
            && current
            && nameAgrees
            && birthDateAgrees
            && contactAgrees
            && !ambiguous
        ? Label.MATCH
        : Label.REVIEW;
  }

  private record Live(long patNum, int status, Set<String> contacts) {}

  /** Settles the labels of a person's members anew, after one of the person's charts changed. */
  void relabel(long personId) {
    List<Live> live =
        jdbc.query(
            "SELECT p.PatNum, p.PatStatus, p.HmPhone, p.WkPhone, p.WirelessPhone, p.Email"
                + " FROM truth.chart c JOIN opendental.patient p ON p.PatNum = c.pat_num"
                + " WHERE c.person_id = ? AND c.survivor = c.pat_num AND p.PatStatus <> 4"
                + " ORDER BY p.PatNum",
            (row, i) ->
                new Live(
                    row.getLong(1),
                    row.getInt(2),
                    contacts(
                        row.getString(3), row.getString(4), row.getString(5), row.getString(6))),
            personId);
    jdbc.query(
        "SELECT number, pat_num, name_agrees, birth_date_agrees, ambiguous, contacts"
            + " FROM truth.member WHERE person_id = ?",
        (RowCallbackHandler) row -> relabel(row, live),
        personId);
  }

  private void relabel(ResultSet member, List<Live> live) throws SQLException {
    Long before = nullable(member, 2);
    Live chart =
        live.stream()
            .filter(l -> before != null && l.patNum == before)
            .findFirst()
            .orElse(live.isEmpty() ? null : live.get(0));
    // What agreed with one chart is not known to agree with another.
    boolean sameChart = chart != null && before != null && chart.patNum == before;
    boolean nameAgrees = sameChart && member.getBoolean(3);
    Set<String> given = Set.of(member.getString(6).split(" "));
    Label label =
        label(
            live.size(),
            chart == null ? 4 : chart.status,
            nameAgrees,
            member.getBoolean(4),
            member.getBoolean(5),
            chart != null && chart.contacts.stream().anyMatch(given::contains));
    jdbc.update(
        "UPDATE truth.member SET pat_num = ?, name_agrees = ?, label = ? WHERE number = ?",
        chart == null ? null : chart.patNum,
        nameAgrees,
        label.name().toLowerCase(Locale.ROOT),
        member.getLong(1));
  }

  /** Repairs what a killed run left between a change and its note here. */
  void reconcile() {
    jdbc.update(
        "UPDATE truth.chart c LEFT JOIN opendental.patient p ON p.PatNum = c.pat_num"
            + " SET c.gone = 1 WHERE p.PatNum IS NULL");
    // A chain is as long as the number of passes it takes.
    while (jdbc.update(
            "UPDATE truth.chart c JOIN opendental.patientlink l ON l.LinkType = 1"
                + " AND l.PatNumFrom = c.survivor AND l.PatNumTo <> l.PatNumFrom"
                + " SET c.survivor = l.PatNumTo")
        > 0) {}
  }

  private Optional<Long> first(String sql, long key) {
    return jdbc.query(sql, (row, i) -> Optional.ofNullable(nullable(row, 1)), key).stream()
        .findFirst()
        .flatMap(person -> person);
  }

  private static Member member(ResultSet row) throws SQLException {
    return new Member(
        memberNumber(row.getLong(1)),
        row.getLong(2),
        nullable(row, 3),
        Label.valueOf(row.getString(4).toUpperCase(Locale.ROOT)),
        names(row.getString(5)));
  }

  private static @Nullable Long nullable(ResultSet row, int column) throws SQLException {
    long value = row.getLong(column);
    return row.wasNull() ? null : value;
  }

  private static Set<String> names(String traps) {
    return traps.isEmpty() ? Set.of() : Set.of(traps.split(","));
  }
}
