package org.pmslink.membership;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.patient.Folding;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.Person;
import org.pmslink.patient.Person.Gender;
import org.pmslink.patient.Person.PersonName;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SearchWords;
import org.pmslink.patient.SourcePatient;
import org.pmslink.practice.Practices;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * The charts of a practice as programs look for them: field by field, page by page, or by id. What
 * the words and keys of the store find is compared with the fields that were meant.
 */
@Component
public class ChartSearch {
  /** As many charts are compared for one page; a page may be short, and is not the last then. */
  private static final int MOST_COMPARED = 2_000;

  private static final int LEAST_READ = 50;
  private static final int NATIONAL_DIGITS = 10;
  private static final int LEAST_DIGITS = 7;

  private static final String CHART =
      """
      select p.id, p.source, p.source_id, p.version, p.status, p.updated_at,
             p.removed_at is not null, p.merged_into, p.record
      from patients p
      """;

  private final JdbcTemplate database;
  private final Practices practices;
  private final Words words;
  private final PatientNormalizer normalizer;

  ChartSearch(
      JdbcTemplate database, Practices practices, Words words, PatientNormalizer normalizer) {
    this.database = database;
    this.practices = practices;
    this.words = words;
    this.normalizer = normalizer;
  }

  /**
   * A chart.
   *
   * @param gone whether it is in the PMS no more
   * @param mergedInto id in the PMS of the chart that it was merged into
   */
  public record Chart(
      long id,
      String source,
      String sourceId,
      long version,
      PatientStatus status,
      Instant updatedAt,
      boolean gone,
      @Nullable String mergedInto,
      Person person) {}

  /** What is looked at of a chart. */
  public enum Field {
    /** A beginning of the name, or of a part of it; likewise the other names. */
    FAMILY(true),
    /** Given, middle or preferred name. */
    GIVEN(true),
    /** Any of these. */
    NAME(true),
    /**
     * A day, month or year; it may have {@code ge}, {@code le}, {@code gt}, {@code lt} before it.
     */
    BIRTH_DATE(false),
    /** All its digits, or the last seven or more. */
    PHONE(true),
    EMAIL(true),
    /** A beginning of it. */
    POSTAL_CODE(true),
    GENDER(false),
    /**
     * When the chart last came in changed: an instant, a minute, a day, month or year of UTC, one
     * only; it may have the same before it as a birth date.
     */
    UPDATED(true);

    private final boolean narrows;

    Field(boolean narrows) {
      this.narrows = narrows;
    }
  }

  /**
   * What a field must be.
   *
   * @param exactly whether names and postal codes are meant whole and as they are written
   * @param anyOf one of these
   */
  public record Wanted(Field field, boolean exactly, List<String> anyOf) {
    public Wanted {
      anyOf = List.copyOf(anyOf);
    }

    /** Whether an index answers for it, so that it can be searched by alone. */
    public boolean narrows() {
      return field.narrows
          || (field == Field.BIRTH_DATE
              && anyOf.stream().allMatch(v -> Days.of(v).filter(Days::isPart).isPresent()));
    }

    /** What is wrong with the values, for whoever typed them; nothing when they can be read. */
    public Optional<String> problem() {
      if (field == Field.UPDATED && anyOf.size() > 1) {
        return Optional.of("must be one; give it twice for a time between two");
      }
      for (String value : anyOf) {
        boolean readable =
            switch (field) {
              case FAMILY, GIVEN, NAME, POSTAL_CODE -> !Folding.fold(value).isEmpty();
              case BIRTH_DATE -> Days.of(value).isPresent();
              case PHONE -> digits(value).length() >= LEAST_DIGITS;
              case EMAIL -> value.indexOf('@') > 0;
              case GENDER ->
                  Stream.of(Gender.values()).anyMatch(g -> g.name().equalsIgnoreCase(value));
              case UPDATED -> Moments.of(value).isPresent();
            };
        if (!readable) {
          return Optional.of(
              switch (field) {
                case BIRTH_DATE ->
                    "must be YYYY-MM-DD, YYYY-MM or YYYY, with ge, le, gt, lt or eq before it";
                case UPDATED ->
                    "must be an instant like 2026-01-31T08:30:00Z, or a day, month or year, with"
                        + " ge, le, gt, lt or eq before it";
                case PHONE -> "must have at least seven digits";
                case EMAIL -> "must be an e-mail address";
                case GENDER -> "must be male, female, other or unknown";
                default -> "must hold a letter or a digit";
              });
        }
      }
      return Optional.empty();
    }
  }

  /**
   * A page of charts in the order of their ids.
   *
   * @param next where the next page begins; {@code null} when there is none
   */
  public record Page(List<Chart> charts, @Nullable Long next) {}

  /**
   * Charts that are what is wanted in every respect; not those that are gone or merged.
   *
   * @param wanted at least one that {@linkplain Wanted#narrows narrows}, and none with a problem
   * @param after id behind which the page begins
   */
  public Page search(String practice, List<Wanted> wanted, long after, int count) {
    int practiceId = practices.id(practice);
    List<SearchWords.Term> terms = wanted.stream().flatMap(w -> term(w).stream()).toList();
    List<Long> keys = new ArrayList<>();
    boolean byKeys = false;
    for (Wanted one : wanted) {
      if (one.field() == Field.EMAIL) {
        List<Long> its = keys(one.anyOf());
        keys = byKeys ? keys.stream().filter(its::contains).toList() : its;
        byKeys = true;
      }
    }
    List<Object> values = new ArrayList<>();
    // By themselves first: in the order of ids, the planner would rather read the whole table.
    StringBuilder sql =
        new StringBuilder("with found as materialized (select f.id from patients f");
    sql.append(" where f.practice_id = ? and f.removed_at is null and f.merged_into is null");
    values.add(practiceId);
    if (!terms.isEmpty()) {
      sql.append(" and f.words @@ ?::tsquery");
      values.add(words.query(practiceId, terms));
    }
    if (byKeys) {
      sql.append(
          " and f.id = any (array(select k.patient_id from patient_blocking_keys k"
              + " where k.practice_id = ? and k.key = any (?)))");
      values.add(practiceId);
      values.add(Links.array(keys));
    }
    for (Wanted one : wanted) {
      if (one.field() == Field.UPDATED) {
        Moments moments = Moments.of(one.anyOf().get(0)).orElseThrow();
        sql.append(" and f.updated_at >= ? and f.updated_at < ?");
        values.add(Timestamp.from(moments.from()));
        values.add(Timestamp.from(moments.until()));
      }
    }
    sql.append(") ")
        .append(CHART)
        .append(
            "join (select id from found where id > ? order by id limit ?) f on f.id = p.id"
                + " where p.practice_id = ? order by p.id");
    List<Chart> charts = new ArrayList<>();
    long last = after;
    int compared = 0;
    while (compared < MOST_COMPARED) {
      int limit = Math.max(LEAST_READ, 2 * count);
      List<Object> all = new ArrayList<>(values);
      all.add(last);
      all.add(limit);
      all.add(practiceId);
      List<Chart> read = database.query(sql.toString(), ChartSearch::chart, all.toArray());
      for (Chart chart : read) {
        if (isMet(wanted, chart)) {
          if (charts.size() == count) {
            return new Page(charts, charts.get(count - 1).id());
          }
          charts.add(chart);
        }
        last = chart.id();
      }
      compared += read.size();
      if (read.size() < limit) {
        return new Page(charts, null);
      }
    }
    return new Page(charts, last);
  }

  /** Charts by id, also those that are merged or gone, in the order of their ids. */
  public List<Chart> byId(String practice, Collection<Long> ids) {
    return database.query(
        CHART + "where p.practice_id = ? and p.id = any (?) order by p.id",
        ChartSearch::chart,
        practices.id(practice),
        Links.array(ids));
  }

  /**
   * Charts by their id in the PMS, also those that are merged or gone.
   *
   * @param source the PMS; {@code null} for all of the practice's
   */
  public List<Chart> bySourceId(String practice, @Nullable String source, String sourceId) {
    int practiceId = practices.id(practice);
    String[] sources =
        source == null
            ? database
                .queryForList(
                    "select distinct source from feeds where practice_id = ?",
                    String.class,
                    practiceId)
                .toArray(String[]::new)
            : new String[] {source};
    return database.query(
        CHART + "where p.practice_id = ? and p.source = any (?) and p.source_id = ? order by p.id",
        ChartSearch::chart,
        practiceId,
        sources,
        sourceId);
  }

  /** How a chart and another are of one person. */
  public enum Kinship {
    /** The other goes on in its place. */
    REPLACED_BY,
    /** The other was merged into it. */
    REPLACES,
    /** They are of one member, in two PMSs. */
    SEE_ALSO
  }

  /** Another chart of the same person. */
  public record Kin(Kinship kinship, long chart) {}

  /** Other charts of the same people, by chart; charts without any are absent. */
  public Map<Long, List<Kin>> kin(String practice, Collection<Chart> charts) {
    Map<Long, List<Kin>> kin = new HashMap<>();
    int id = practices.id(practice);
    long[] ids = charts.stream().mapToLong(Chart::id).toArray();
    database.query(
        """
        select p.id, 'REPLACED_BY', o.id from patients p
        join patients o on o.practice_id = p.practice_id and o.source = p.source
                       and o.source_id = p.merged_into
        where p.practice_id = ? and p.id = any (?) and o.removed_at is null
        union all
        select p.id, 'REPLACES', o.id from patients p
        join chart_merges m on m.practice_id = p.practice_id and m.source = p.source
                           and m.survivor_source_id = p.source_id
        join patients o on o.practice_id = p.practice_id and o.source = p.source
                       and o.source_id = m.loser_source_id
        where p.practice_id = ? and p.id = any (?) and o.removed_at is null
          and o.merged_into = p.source_id
        union all
        select l.patient_id, 'SEE_ALSO', other.patient_id from links l
        join links other on other.practice_id = l.practice_id and other.member_id = l.member_id
                        and other.ended_at is null and other.patient_id <> l.patient_id
        join patients o on o.practice_id = other.practice_id and o.id = other.patient_id
        where l.practice_id = ? and l.patient_id = any (?) and l.ended_at is null
          and o.removed_at is null
        order by 1, 2, 3""",
        row -> {
          kin.computeIfAbsent(row.getLong(1), k -> new ArrayList<>())
              .add(new Kin(Kinship.valueOf(row.getString(2)), row.getLong(3)));
        },
        id,
        ids,
        id,
        ids,
        id,
        ids);
    return kin;
  }

  private static Chart chart(ResultSet row, int n) throws SQLException {
    return new Chart(
        row.getLong(1),
        row.getString(2),
        row.getString(3),
        row.getLong(4),
        PatientStatus.valueOf(row.getString(5)),
        row.getTimestamp(6).toInstant(),
        row.getBoolean(7),
        row.getString(8),
        RecordJson.read(row.getString(9), PatientRecord.class).person());
  }

  // ---- What finds ----

  private static Optional<SearchWords.Term> term(Wanted wanted) {
    List<String> anyOf = wanted.anyOf();
    return switch (wanted.field()) {
      case FAMILY, GIVEN, NAME, POSTAL_CODE ->
          Optional.of(
              new SearchWords.Term(
                  anyOf.stream().map(SearchWords::word).toList(), !wanted.exactly(), false));
      case PHONE ->
          Optional.of(
              new SearchWords.Term(
                  anyOf.stream().map(ChartSearch::phoneWord).toList(), false, false));
      case BIRTH_DATE ->
          wanted.narrows()
              ? Optional.of(
                  new SearchWords.Term(
                      anyOf.stream()
                          .map(v -> SearchWords.born(Days.of(v).orElseThrow().text))
                          .toList(),
                      true,
                      false))
              : Optional.empty();
      case EMAIL, GENDER, UPDATED -> Optional.empty();
    };
  }

  private List<Long> keys(List<String> emails) {
    return emails.stream()
        .map(
            email ->
                normalizer.person(
                    SourcePatient.person(
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        null,
                        List.of(email),
                        null,
                        null)))
        .flatMap(person -> PracticeMatcher.blockingKeys(person).stream())
        .toList();
  }

  private static String digits(String value) {
    String digits = value.replaceAll("\\D", "");
    return digits.length() == NATIONAL_DIGITS + 1 && digits.startsWith("1")
        ? digits.substring(1)
        : digits;
  }

  private static String phoneWord(String value) {
    String digits = digits(value);
    int length = digits.length();
    return digits.substring(
        length >= NATIONAL_DIGITS ? length - NATIONAL_DIGITS : length - LEAST_DIGITS);
  }

  // ---- What is meant ----

  /** Whether a chart is all of this. */
  public static boolean isMet(List<Wanted> wanted, Chart chart) {
    return wanted.stream()
        .allMatch(
            one ->
                one.field() == Field.UPDATED
                    ? Moments.of(one.anyOf().get(0)).orElseThrow().hold(chart.updatedAt())
                    : isMet(one, chart.person()));
  }

  private static boolean isMet(Wanted wanted, Person person) {
    PersonName name = person.name();
    return wanted.anyOf().stream()
        .anyMatch(
            value ->
                switch (wanted.field()) {
                  case FAMILY -> isText(value, wanted.exactly(), name.family());
                  case GIVEN ->
                      isText(
                          value, wanted.exactly(), name.given(), name.middle(), name.preferred());
                  case NAME ->
                      isText(
                          value,
                          wanted.exactly(),
                          name.family(),
                          name.given(),
                          name.middle(),
                          name.preferred());
                  case BIRTH_DATE ->
                      person.birthDate() != null
                          && Days.of(value).orElseThrow().hold(person.birthDate());
                  case PHONE ->
                      person.phones().stream().anyMatch(p -> p.e164().endsWith(digits(value)));
                  case EMAIL -> person.emails().stream().anyMatch(e -> e.equalsIgnoreCase(value));
                  case POSTAL_CODE ->
                      person.address() != null
                          && isText(value, wanted.exactly(), person.address().postalCode());
                  case GENDER -> person.gender().name().equalsIgnoreCase(value);
                  // Of the chart, and not of the person.
                  case UPDATED -> false;
                });
  }

  private static final Pattern BETWEEN_WORDS = Pattern.compile("[^\\p{L}\\p{N}'’`]+");

  private static boolean isText(String wanted, boolean exactly, @Nullable String... texts) {
    String folded = Folding.fold(wanted);
    for (String text : texts) {
      if (text == null) {
        continue;
      }
      if (exactly ? text.equals(wanted) : Folding.fold(text).startsWith(folded)) {
        return true;
      }
      if (!exactly) {
        for (String part : BETWEEN_WORDS.split(text)) {
          if (Folding.fold(part).startsWith(folded)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /**
   * A time that a change may lie in.
   *
   * @param until the first moment that lies behind it
   */
  private record Moments(Instant from, Instant until) {
    private static final Pattern TIME =
        Pattern.compile(
            "(eq|ge|le|gt|lt)?(\\d{4})(?:-(\\d{2})(?:-(\\d{2})"
                + "(?:T(\\d{2}):(\\d{2})(?::(\\d{2})(?:\\.(\\d{1,9}))?)?(Z|[+-]\\d{2}:\\d{2}))?)?)?");

    /** As far as PostgreSQL's times reach, and farther than any change. */
    private static final Instant EVER = Instant.parse("9999-12-31T00:00:00Z");

    private static final Instant NEVER = Instant.EPOCH;

    static Optional<Moments> of(String value) {
      Matcher time = TIME.matcher(value);
      if (!time.matches()) {
        return Optional.empty();
      }
      try {
        OffsetDateTime first =
            OffsetDateTime.of(
                Integer.parseInt(time.group(2)),
                part(time.group(3), 1),
                part(time.group(4), 1),
                part(time.group(5), 0),
                part(time.group(6), 0),
                part(time.group(7), 0),
                part(
                    time.group(8) == null ? null : (time.group(8) + "00000000").substring(0, 9), 0),
                time.group(9) == null ? ZoneOffset.UTC : ZoneOffset.of(time.group(9)));
        Instant from = first.toInstant();
        Instant until = end(first, time).toInstant();
        return Optional.of(
            switch (Objects.requireNonNullElse(time.group(1), "eq")) {
              case "ge" -> new Moments(from, EVER);
              case "gt" -> new Moments(until, EVER);
              case "le" -> new Moments(NEVER, until);
              case "lt" -> new Moments(NEVER, from);
              default -> new Moments(from, until);
            });
      } catch (DateTimeException e) {
        return Optional.empty();
      }
    }

    private static int part(@Nullable String digits, int without) {
      return digits == null ? without : Integer.parseInt(digits);
    }

    /** What a value leaves open, it holds all of: the milliseconds that we show, microseconds. */
    private static OffsetDateTime end(OffsetDateTime first, Matcher time) {
      if (time.group(3) == null) {
        return first.plusYears(1);
      }
      if (time.group(4) == null) {
        return first.plusMonths(1);
      }
      if (time.group(5) == null) {
        return first.plusDays(1);
      }
      if (time.group(7) == null) {
        return first.plusMinutes(1);
      }
      return time.group(8) == null
          ? first.plusSeconds(1)
          : first.plusNanos((long) Math.pow(10, 9.0 - time.group(8).length()));
    }

    boolean hold(Instant moment) {
      return !moment.isBefore(from) && moment.isBefore(until);
    }
  }

  /** The days that a birth date may be on. */
  private record Days(String comparison, String text, LocalDate first, LocalDate last) {
    private static final Pattern DATE =
        Pattern.compile("(eq|ge|le|gt|lt)?(\\d{4}(?:-\\d{2}(?:-\\d{2})?)?)");

    static Optional<Days> of(String value) {
      var matcher = DATE.matcher(value);
      if (!matcher.matches()) {
        return Optional.empty();
      }
      String text = matcher.group(2);
      String comparison = Objects.requireNonNullElse(matcher.group(1), "eq");
      try {
        LocalDate first =
            LocalDate.parse(
                text + "-01-01".substring(text.length() == 4 ? 0 : text.length() == 7 ? 3 : 6));
        LocalDate last =
            switch (text.length()) {
              case 4 -> first.plusYears(1).minusDays(1);
              case 7 -> first.plusMonths(1).minusDays(1);
              default -> first;
            };
        return Optional.of(new Days(comparison, text, first, last));
      } catch (java.time.DateTimeException e) {
        return Optional.empty();
      }
    }

    /** Whether they are what a date begins with. */
    boolean isPart() {
      return comparison.equals("eq");
    }

    boolean hold(LocalDate day) {
      return switch (comparison) {
        case "ge" -> !day.isBefore(first);
        case "gt" -> day.isAfter(last);
        case "le" -> !day.isAfter(last);
        case "lt" -> day.isBefore(first);
        default -> !day.isBefore(first) && !day.isAfter(last);
      };
    }
  }
}
