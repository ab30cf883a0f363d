package org.pmslink.sample;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.SourcePatient.SourceAddress;
import org.pmslink.patient.SourcePatient.SourcePhone;

/**
 * Fills a sample practice with households and gives the store some of them as members. The same
 * size gives the same rows. People are made household by household and forgotten once written, so
 * that a million take no more memory than a thousand.
 */
public final class PracticeGenerator {

  /**
   * @param patients charts of the practice, labs and test patients included
   * @param members at most as many as patients
   * @param ledger whether to write appointments, procedures and money too
   */
  public record Size(int patients, int members, long seed, boolean ledger) {}

  /** One who exists, as opposed to what anybody wrote down. */
  private record Someone(
      long id,
      boolean female,
      String family,
      String suffix,
      String given,
      String middle,
      @Nullable String nickname,
      LocalDate birthDate,
      String mobile,
      String home,
      String email,
      People.Place place,
      @Nullable String ssn) {

    boolean adult() {
      return birthDate.isBefore(People.TODAY.minusYears(18));
    }
  }

  private enum Sequel {
    DUPLICATE,
    MERGED,
    CLONE
  }

  /** A person's further chart, written some hundred charts later, as it happens in practices. */
  private record Later(long due, Sequel sequel, Chart chart, long person, long main) {}

  /** Who shares a name, and perhaps a birth date, with somebody already written. */
  private record Namesake(
      String given, String family, @Nullable LocalDate birthDate, boolean female) {}

  private static final long NOW = People.TODAY.toEpochDay() * 86_400;

  /** The night the former PMS was converted: a third of all charts bear this one stamp. */
  private static final long CONVERSION = NOW - 700L * 86_400 + 3 * 3_600;

  private final Size size;
  private final PracticeWriter out;
  private final MemberSink sink;
  private final People people;
  private final int[] untilTrap = new int[Trap.values().length];
  private final PriorityQueue<Later> later =
      new PriorityQueue<>(Comparator.comparingLong(Later::due).thenComparingLong(Later::main));
  private final Deque<Namesake> namesakes = new ArrayDeque<>();
  private long lastPatNum;
  private long lastPerson;
  private int written;
  private int members;
  private double memberCredit;

  private PracticeGenerator(Size size, PracticeWriter out, MemberSink sink) {
    this.size = size;
    this.out = out;
    this.sink = sink;
    this.people = new People(size.seed(), 0);
    for (Trap trap : Trap.values()) {
      untilTrap[trap.ordinal()] = people.upTo(trap.every);
    }
  }

  /**
   * Fills an empty practice.
   *
   * @throws IllegalStateException when the server refuses, or has patients already
   */
  public static void fill(OpenDentalServer server, Size size, MemberSink sink) {
    try (Connection connection = server.dataSource().getConnection();
        PracticeWriter out = new PracticeWriter(connection, size.ledger(), size.seed())) {
      new PracticeGenerator(size, out, sink).fill();
    } catch (SQLException e) {
      throw new IllegalStateException("cannot fill the sample practice", e);
    }
  }

  private void fill() throws SQLException {
    out.begin();
    while (room()) {
      if (happens(Trap.NOT_A_PERSON)) {
        nobody(Trap.NOT_A_PERSON);
      } else if (happens(Trap.TEST_PATIENT)) {
        nobody(Trap.TEST_PATIENT);
      } else if (!namesakes.isEmpty() && people.oneIn(8)) {
        namesake(namesakes.remove());
      } else {
        household();
      }
      writeDue(written);
    }
    writeDue(Long.MAX_VALUE);
    while (members < size.members()) {
      stranger();
    }
    // Links of another kind, whose numbers are no charts although a chart may have the same.
    out.link(1, 1_000_001, 3, NOW);
    out.link(2, 1_000_002, 3, NOW);
    out.finish();
  }

  private boolean room() {
    return written + later.size() < size.patients();
  }

  /** Once in {@code trap.every} opportunities, at uneven distances, and soon the first time. */
  private boolean happens(Trap trap) {
    int i = trap.ordinal();
    if (untilTrap[i]-- > 0) {
      return false;
    }
    untilTrap[i] = people.upTo(2 * trap.every - 1);
    return true;
  }

  // ---- households

  private void household() throws SQLException {
    String family = people.surname();
    Set<Trap> ofAll = EnumSet.noneOf(Trap.class);
    if (lay(ofAll, Trap.CURLY_APOSTROPHE)) {
      family = "O\u2019" + people.oneOf("Brien", "Connor", "Neill", "Donnell", "Hara");
    } else if (lay(ofAll, Trap.SPACED_SURNAME)) {
      family = people.oneOf("Mc Laughlin", "De La Rosa", "Mc Donald", "Van Dyke", "Della Valle");
    } else if (lay(ofAll, Trap.HYPHENATED)) {
      family = people.surname() + "-" + people.surname();
    }
    People.Place place = people.place();
    String home = people.oneIn(3) ? people.phone() : "";
    int kind = people.upTo(100);
    if (kind < 38) {
      Someone single = someone(people.oneIn(2), family, place, home, people.born(19, 88));
      write(single, ofAll, 0, 0);
      return;
    }
    boolean motherLeads = people.oneIn(3);
    LocalDate born = people.born(kind < 60 ? 22 : 26, kind < 60 ? 85 : 58);
    Someone first = someone(motherLeads, family, place, home, born);
    List<Someone> others = new ArrayList<>();
    List<Set<Trap>> traps = new ArrayList<>();
    Set<Trap> firstTraps = EnumSet.noneOf(Trap.class);
    if (kind >= 60 && happens(Trap.FATHER_AND_SON)) {
      first = named(someone(false, family, place, home, born), people.given(false), "Sr");
      others.add(
          child(
              named(
                  someone(false, family, place, home, born.plusDays(9_000 + people.upTo(3_000))),
                  first.given(),
                  "Jr"),
              first));
      firstTraps.add(Trap.FATHER_AND_SON);
      traps.add(EnumSet.of(Trap.FATHER_AND_SON));
    } else if (kind < 92) {
      others.add(
          someone(!first.female(), family, place, home, born.plusDays(people.upTo(2_400) - 1_200)));
      traps.add(EnumSet.noneOf(Trap.class));
    }
    if (kind >= 60) {
      children(first, others, traps);
    }
    if (happens(Trap.SHARED_PHONE) && !others.isEmpty() && others.get(0).adult()) {
      others.set(0, withContacts(others.get(0), first.mobile(), others.get(0).email()));
      traps.get(0).add(Trap.SHARED_PHONE);
    }
    if (kind >= 60 && happens(Trap.NON_PATIENT_GUARANTOR)) {
      firstTraps.add(Trap.NON_PATIENT_GUARANTOR);
    }
    firstTraps.addAll(ofAll);
    long guarantor = write(first, firstTraps, 0, others.isEmpty() ? 0 : 1);
    for (int i = 0; i < others.size() && room(); i++) {
      Someone other = others.get(i);
      traps.get(i).addAll(ofAll);
      write(other, traps.get(i), guarantor, other.adult() ? 1 : 2);
    }
  }

  private void children(Someone parent, List<Someone> others, List<Set<Trap>> traps) {
    int count = 1 + people.upTo(3);
    for (int i = 0; i < count; i++) {
      boolean female = people.oneIn(2);
      // Nobody is born after today; the parent is at least 26.
      int oldest =
          Math.max(
              2, (int) ((People.TODAY.toEpochDay() - parent.birthDate().toEpochDay()) / 365) - 20);
      LocalDate born = people.born(1, Math.min(oldest, 25));
      Someone child =
          child(someone(female, parent.family(), parent.place(), parent.home(), born), parent);
      Set<Trap> own = EnumSet.noneOf(Trap.class);
      if (child.email().equals(parent.email())) {
        own.add(Trap.SHARED_EMAIL);
      }
      if (happens(Trap.TWINS)) {
        boolean close = happens(Trap.TWINS_ONE_LETTER_APART);
        String[] names =
            close
                ? people.givenOneLetterApart()
                : new String[] {child.given(), otherThan(child.given(), female)};
        own.add(close ? Trap.TWINS_ONE_LETTER_APART : Trap.TWINS);
        others.add(named(child, names[0], ""));
        traps.add(own);
        child = named(twin(child), names[1], "");
        own = EnumSet.copyOf(own);
      }
      others.add(child);
      traps.add(own);
    }
  }

  private String otherThan(String given, boolean female) {
    String other = people.given(female);
    while (other.equals(given)) {
      other = people.given(female);
    }
    return other;
  }

  private Someone someone(
      boolean female, String family, People.Place place, String home, LocalDate born) {
    String given = people.given(female);
    String middle = people.oneIn(2) ? people.given(female) : "";
    return new Someone(
        ++lastPerson,
        female,
        family,
        "",
        given,
        people.oneIn(2) && !middle.isEmpty() ? middle.substring(0, 1) : middle,
        people.nickname(given),
        born,
        people.phone(),
        home,
        people.email(given, family),
        place,
        people.oneIn(5) ? null : people.ssn());
  }

  private Someone named(Someone s, String given, String suffix) {
    return new Someone(
        s.id,
        s.female,
        s.family,
        suffix,
        given,
        s.middle,
        people.nickname(given),
        s.birthDate,
        s.mobile,
        s.home,
        s.email,
        s.place,
        s.ssn);
  }

  private Someone twin(Someone s) {
    return new Someone(
        ++lastPerson,
        s.female,
        s.family,
        s.suffix,
        s.given,
        "",
        s.nickname,
        s.birthDate,
        s.mobile,
        s.home,
        s.email,
        s.place,
        people.ssn());
  }

  private static Someone withContacts(Someone s, String mobile, String email) {
    return new Someone(
        s.id,
        s.female,
        s.family,
        s.suffix,
        s.given,
        s.middle,
        s.nickname,
        s.birthDate,
        mobile,
        s.home,
        email,
        s.place,
        s.ssn);
  }

  /** The young have their parent's telephone and e-mail on file. */
  private Someone child(Someone child, Someone parent) {
    boolean young = child.birthDate().isAfter(People.TODAY.minusYears(15));
    return withContacts(
        child,
        young || people.oneIn(3) ? parent.mobile() : child.mobile(),
        young || happens(Trap.SHARED_EMAIL) ? parent.email() : child.email());
  }

  private void namesake(Namesake model) throws SQLException {
    LocalDate born = model.birthDate() == null ? people.born(19, 88) : model.birthDate();
    Someone base = someone(model.female(), model.family(), people.place(), "", born);
    Set<Trap> traps =
        EnumSet.of(model.birthDate() == null ? Trap.NAMESAKE : Trap.NAMESAKE_OF_SAME_BIRTH_DATE);
    write(named(base, model.given(), ""), traps, 0, 0);
  }

  /** A row that is no person. */
  private void nobody(Trap trap) throws SQLException {
    Chart chart = new Chart();
    chart.traps.add(trap);
    if (trap == Trap.TEST_PATIENT) {
      chart.family = people.oneOf("Test", "ZZTest", "ZZZ", "TEST", "Mouse");
      chart.given = chart.family.equals("Mouse") ? "Mickey" : people.oneOf("Test", "Patient", "Zz");
      chart.birthDate = people.oneOf("1980-01-01", "2000-01-01", Chart.NO_DATE);
      chart.mobile = "(555)555-5555";
    } else {
      chart.family =
          people.oneOf(
              "Dental Lab LLC",
              "Delta Dental of Ohio",
              "Petty Cash",
              "Implant Center",
              "Buckeye Oral Surgery",
              "Metlife Insurance");
      chart.given = people.oneOf("", "", ".", "Office");
    }
    chart.patNum = nextPatNum();
    chart.guarantor = chart.patNum;
    chart.stamp = stamp();
    chart.entered = date(chart.stamp);
    put(chart, null, chart.patNum);
  }

  // ---- charts

  /**
   * Writes a person's chart, what follows from it, and perhaps the member.
   *
   * @param guarantor 0 for the person itself
   * @return the chart's number
   */
  private long write(Someone who, Set<Trap> traps, long guarantor, int position)
      throws SQLException {
    Chart chart = chartOf(who, traps, position);
    boolean early = happens(Trap.MERGED) && room();
    boolean ambiguous = traps.contains(Trap.NAMESAKE_OF_SAME_BIRTH_DATE);
    // Half of the merged charts are older than the one that is left.
    if (early && people.oneIn(2)) {
      Chart loser = former(chart, who);
      loser.patNum = nextPatNum();
      loser.guarantor = loser.patNum;
      loser.traps.add(Trap.MERGED);
      chart.patNum = nextPatNum();
      put(loser, who.id(), chart.patNum);
      out.link(loser.patNum, chart.patNum, 1, stampNear(loser.stamp));
      early = false;
    } else {
      chart.patNum = nextPatNum();
    }
    chart.guarantor = guarantor == 0 ? chart.patNum : guarantor;
    if (guarantor != 0 && happens(Trap.GUARANTOR_MISSING)) {
      chart.traps.add(Trap.GUARANTOR_MISSING);
      // Numbers behind the last one were never given.
      chart.guarantor = 90_000_000L + chart.patNum;
    }
    if (early) {
      sequel(Sequel.MERGED, chart, who, Trap.MERGED);
    }
    boolean several = false;
    if (who.adult() && happens(Trap.DUPLICATE_CHART) && room()) {
      sequel(Sequel.DUPLICATE, chart, who, Trap.DUPLICATE_CHART);
      several = true;
    }
    if (happens(Trap.CLONE) && room()) {
      sequel(Sequel.CLONE, chart, who, Trap.CLONE);
      several = true;
    }
    put(chart, who.id(), chart.patNum);
    if (happens(Trap.MERGE_CHAIN) && written + later.size() + 2 <= size.patients()) {
      chain(chart, who);
    }
    if (happens(Trap.MERGED_INTO_ITSELF)) {
      out.link(chart.patNum, chart.patNum, 1, stampNear(chart.stamp));
      out.laid(chart.patNum, Trap.MERGED_INTO_ITSELF);
    }
    if (who.adult() && happens(Trap.NAMESAKE)) {
      namesakes.add(new Namesake(who.given(), who.family(), null, who.female()));
    }
    if (who.adult() && happens(Trap.NAMESAKE_OF_SAME_BIRTH_DATE)) {
      namesakes.add(new Namesake(who.given(), who.family(), who.birthDate(), who.female()));
      ambiguous = true;
    }
    perhapsMember(who, chart, ambiguous, several);
    return chart.patNum;
  }

  private Chart chartOf(Someone who, Set<Trap> traps, int position) {
    Chart chart = new Chart();
    chart.traps.addAll(traps);
    chart.family = who.family() + suffix(who.suffix());
    chart.given = who.given();
    chart.middle = who.middle();
    if (who.nickname() != null) {
      if (happens(Trap.NICKNAME_PREFERRED)) {
        chart.traps.add(Trap.NICKNAME_PREFERRED);
        chart.preferred = who.nickname();
      } else if (happens(Trap.NICKNAME_IN_GIVEN)) {
        chart.traps.add(Trap.NICKNAME_IN_GIVEN);
        chart.given +=
            people.oneIn(2) ? " \"" + who.nickname() + "\"" : " (" + who.nickname() + ")";
      }
    }
    chart.position = position;
    chart.birthDate = who.birthDate().toString();
    if (who.ssn() != null && people.oneIn(3)) {
      chart.ssn = who.ssn();
    }
    chart.gender = who.female() ? 1 : 0;
    chart.line1 = who.place().line1();
    chart.line2 = who.place().line2();
    chart.city = who.place().city();
    chart.state = people.oneIn(40) ? "Ohio" : "OH";
    chart.zip = who.place().zip() + (people.oneIn(10) ? "-" + (1_000 + people.upTo(8_999)) : "");
    chart.home = who.home().isEmpty() ? "" : typed(who.home());
    chart.mobile = people.oneIn(15) ? "" : typed(who.mobile());
    chart.email = people.oneIn(6) ? "" : who.email();
    chart.title = who.adult() && people.oneIn(6) ? (who.female() ? "Ms." : "Mr.") : "";
    chart.language = people.oneIn(25) ? "spa" : people.oneIn(3) ? "eng" : "";
    chart.provider = 1 + people.upTo(4);
    chart.clinic = people.upTo(3);
    chart.contactMethod = people.oneIn(10) ? people.oneOf("1", "5", "8").charAt(0) - '0' : 0;
    chart.textMessages = people.upTo(3);
    chart.stamp = stamp();
    LocalDate entered = LocalDate.ofEpochDay(chart.stamp / 86_400).minusDays(people.upTo(2_000));
    chart.entered = (entered.isBefore(who.birthDate()) ? who.birthDate() : entered).toString();
    chart.firstVisit = people.oneIn(8) ? Chart.NO_DATE : chart.entered;
    if (chart.stamp == CONVERSION) {
      chart.chartNumber = "C" + (10_000 + lastPatNum);
    }
    layFieldTraps(chart, who);
    layStatus(chart);
    return chart;
  }

  private void layFieldTraps(Chart chart, Someone who) {
    if (lay(chart, Trap.ALL_CAPS)) {
      chart.family = chart.family.toUpperCase(Locale.ROOT);
      chart.given = chart.given.toUpperCase(Locale.ROOT);
      chart.line1 = chart.line1.toUpperCase(Locale.ROOT);
      chart.city = chart.city.toUpperCase(Locale.ROOT);
    } else if (lay(chart, Trap.NOTE_IN_NAME)) {
      chart.family =
          people.oneOf(
              chart.family + "**DO NOT CALL**",
              chart.family + " (see notes)",
              "*" + chart.family,
              chart.family + "-DNU");
    }
    if (lay(chart, Trap.BIRTH_DATE_FILLER)) {
      chart.birthDate = people.oneOf(Chart.NO_DATE, Chart.NO_DATE, "1900-01-01", "1753-01-01");
    }
    if (lay(chart, Trap.PHONE_FILLER)) {
      chart.mobile =
          people.oneOf("(555)555-5555", "000-000-0000", "999-999-9999", "614", "5555555555");
    } else if (lay(chart, Trap.PHONE_WITH_TEXT)) {
      chart.mobile =
          people.oneOf(
              "see notes", dashed(who.mobile()) + " ask for mom", dashed(who.mobile()) + " x12");
    } else if (lay(chart, Trap.MOBILE_ELSEWHERE)) {
      chart.work = chart.mobile;
      chart.mobile = "";
    }
    if (lay(chart, Trap.EXTRA_PHONE)) {
      chart.extraPhone = people.phone();
    }
    if (lay(chart, Trap.EMAIL_FILLER)) {
      chart.email =
          people.oneOf("none@none.com", "no@email.com", "declined@declined.com", "n/a", "none");
    } else if (!chart.email.isEmpty() && lay(chart, Trap.TWO_EMAILS)) {
      chart.email += ";" + people.email(who.given(), who.family());
    }
    if (lay(chart, Trap.SSN_FILLER)) {
      chart.ssn =
          people.oneOf(
              "000000000",
              "999999999",
              "123456789",
              "XXX-XX-" + (1_000 + people.upTo(8_999)),
              "" + (1_000 + people.upTo(8_999)));
    }
    if (lay(chart, Trap.GENDER_OTHER)) {
      chart.gender = 3;
    } else if (lay(chart, Trap.GENDER_UNKNOWN)) {
      chart.gender = 2;
    } else if (who.female() && lay(chart, Trap.GENDER_NOT_ASKED)) {
      chart.gender = 0;
    }
  }

  private void layStatus(Chart chart) {
    if (chart.traps.contains(Trap.NON_PATIENT_GUARANTOR)) {
      chart.status = 1;
      chart.firstVisit = Chart.NO_DATE;
    } else if (lay(chart, Trap.STATUS_UNKNOWN)) {
      chart.status = 9;
    } else if (lay(chart, Trap.DECEASED)) {
      chart.status = 5;
      chart.deceased = date(chart.stamp) + " 00:00:00";
    } else if (lay(chart, Trap.DELETED)) {
      chart.status = 4;
    } else if (lay(chart, Trap.PROSPECTIVE)) {
      chart.status = 6;
      chart.firstVisit = Chart.NO_DATE;
    } else if (lay(chart, Trap.ARCHIVED)) {
      chart.status = 3;
    } else if (lay(chart, Trap.INACTIVE)) {
      chart.status = 2;
    }
  }

  private boolean lay(Chart chart, Trap trap) {
    boolean happens = happens(trap);
    if (happens) {
      chart.traps.add(trap);
    }
    return happens;
  }

  /** The same person as somebody else at the desk entered it. */
  private Chart former(Chart chart, Someone who) {
    Chart former = chart.copy();
    former.traps.clear();
    former.preferred = "";
    former.status = 3;
    former.middle = "";
    former.birthDate = who.birthDate().toString();
    if (people.oneIn(3)) {
      former.line1 = people.place().line1();
    }
    if (people.oneIn(3)) {
      former.mobile = typed(people.phone());
    }
    return former;
  }

  private void sequel(Sequel sequel, Chart chart, Someone who, Trap trap) {
    Chart further = former(chart, who);
    further.traps.add(trap);
    further.status = sequel == Sequel.MERGED ? 3 : 0;
    if (sequel == Sequel.CLONE) {
      further.family = chart.family.toUpperCase(Locale.ROOT);
      further.given = chart.given.toUpperCase(Locale.ROOT);
      further.line1 = chart.line1;
      further.mobile = chart.mobile;
    }
    further.guarantor = sequel == Sequel.CLONE ? chart.guarantor : 0;
    chart.traps.add(trap);
    later.add(new Later(written + 1L + people.upTo(800), sequel, further, who.id(), chart.patNum));
  }

  /** First into second, then second into the one that is left. */
  private void chain(Chart chart, Someone who) throws SQLException {
    Chart first = former(chart, who);
    Chart second = former(chart, who);
    first.patNum = nextPatNum();
    second.patNum = nextPatNum();
    for (Chart loser : List.of(first, second)) {
      loser.guarantor = loser.patNum;
      loser.traps.add(Trap.MERGE_CHAIN);
      put(loser, who.id(), chart.patNum);
    }
    out.link(first.patNum, second.patNum, 1, stampNear(first.stamp));
    out.link(second.patNum, chart.patNum, 1, stampNear(first.stamp));
    out.laid(chart.patNum, Trap.MERGE_CHAIN);
  }

  private void writeDue(long now) throws SQLException {
    for (Later next = later.peek(); next != null && next.due() <= now; next = later.peek()) {
      later.remove();
      Chart chart = next.chart();
      chart.patNum = nextPatNum();
      chart.guarantor = chart.guarantor == 0 ? chart.patNum : chart.guarantor;
      chart.stamp = stampNear(chart.stamp);
      boolean merged = next.sequel() == Sequel.MERGED;
      put(chart, next.person(), merged ? next.main() : chart.patNum);
      if (merged) {
        out.link(chart.patNum, next.main(), 1, stampNear(chart.stamp));
      } else if (next.sequel() == Sequel.CLONE) {
        out.link(next.main(), chart.patNum, 2, stampNear(chart.stamp));
      }
    }
  }

  private void put(Chart chart, @Nullable Long person, long survivor) throws SQLException {
    out.chart(chart, person, survivor);
    written++;
    memberCredit += (double) size.members() / size.patients();
  }

  /** Numbers are given once and some are lost. */
  private long nextPatNum() {
    lastPatNum += people.oneIn(30) ? 2 + people.upTo(20) : 1;
    return lastPatNum;
  }

  private long stamp() {
    return people.oneIn(3) ? CONVERSION : NOW - 60 - people.upTo(690L * 86_400);
  }

  private long stampNear(long stamp) {
    return Math.min(NOW, stamp + people.upTo(86_400L * 30));
  }

  private static String date(long second) {
    return LocalDate.ofInstant(java.time.Instant.ofEpochSecond(second), ZoneOffset.UTC).toString();
  }

  private String suffix(String suffix) {
    return switch (suffix) {
      // Fathers are often filed without.
      case "Sr" -> people.oneOf("", "", " Sr", " SR.", " Sr.");
      case "Jr" -> people.oneOf(" Jr", " JR.", ", Jr.", " Jr.");
      default -> "";
    };
  }

  private static String dashed(String digits) {
    return digits.substring(0, 3) + "-" + digits.substring(3, 6) + "-" + digits.substring(6);
  }

  private String typed(String digits) {
    String area = digits.substring(0, 3);
    String exchange = digits.substring(3, 6);
    String line = digits.substring(6);
    return switch (people.upTo(8)) {
      case 0 -> digits;
      case 1 -> dashed(digits);
      case 2 -> area + "." + exchange + "." + line;
      case 3 -> "(" + area + ") " + exchange + "-" + line;
      case 4 -> "+1" + digits;
      default -> "(" + area + ")" + exchange + "-" + line;
    };
  }

  // ---- members

  private void perhapsMember(Someone who, Chart chart, boolean ambiguous, boolean several)
      throws SQLException {
    double share = (double) size.members() / size.patients();
    boolean interesting =
        isTwin(chart) || chart.traps.contains(Trap.FATHER_AND_SON) || several || ambiguous;
    boolean current = chart.status == 0 || chart.status == 2 || chart.status == 6;
    // Somewhat more often than the share, because not all come into question.
    int reluctance = current ? (int) Math.max(1, Math.round(0.6 / Math.max(share, 0.0001))) : 60;
    if (members < size.members()
        && memberCredit >= 1
        && (interesting || memberCredit > 20 || people.oneIn(reluctance))) {
      if (happens(Trap.MEMBER_NOT_A_PATIENT)) {
        stranger();
      } else {
        member(who, chart, ambiguous, several);
      }
    }
  }

  private static boolean isTwin(Chart chart) {
    return chart.traps.contains(Trap.TWINS) || chart.traps.contains(Trap.TWINS_ONE_LETTER_APART);
  }

  /** A member of whom the practice has never heard. */
  private void stranger() throws SQLException {
    Someone who =
        someone(people.oneIn(2), people.surname(), people.place(), "", people.born(19, 80));
    deliver(who, null, EnumSet.of(Trap.MEMBER_NOT_A_PATIENT), false, false, true);
  }

  private void member(Someone who, Chart chart, boolean ambiguous, boolean several)
      throws SQLException {
    boolean twice = members + 2 <= size.members() && happens(Trap.MEMBER_TWICE);
    Set<Trap> traps = EnumSet.noneOf(Trap.class);
    if (twice) {
      traps.add(Trap.MEMBER_TWICE);
    }
    deliver(who, chart, traps, ambiguous || twice, several, true);
    if (twice) {
      deliver(who, chart, EnumSet.of(Trap.MEMBER_TWICE), true, several, false);
    }
  }

  /**
   * @param mayDiffer whether the member may differ from the person more than in the manner of
   *     writing
   */
  private void deliver(
      Someone who,
      @Nullable Chart chart,
      Set<Trap> traps,
      boolean ambiguous,
      boolean several,
      boolean mayDiffer)
      throws SQLException {
    String family = who.family().replace('\u2019', '\'');
    String given = who.given();
    String birthDate = who.birthDate().toString();
    String phone = who.mobile();
    String email = who.email();
    People.Place place = who.place();
    boolean nameAgrees = true;
    boolean birthDateAgrees = chart != null && chart.birthDate.equals(birthDate);
    if (who.nickname() != null && lay(traps, Trap.MEMBER_NICKNAME)) {
      given = who.nickname();
    }
    if (mayDiffer && chart != null) {
      if (who.female() && who.adult() && lay(traps, Trap.MEMBER_MARRIED)) {
        family = people.oneIn(4) ? family + "-" + people.surname() : people.surname();
        nameAgrees = false;
      } else if (lay(traps, Trap.MEMBER_TYPO_IN_FAMILY)) {
        family = people.typo(family);
        nameAgrees = false;
      } else if (!isTwin(chart) && lay(traps, Trap.MEMBER_TYPO_IN_GIVEN)) {
        // Never of a twin: the slip could make the other one's name, and then no record tells.
        given = people.typo(given);
        nameAgrees = false;
      } else if (lay(traps, Trap.MEMBER_NAMES_SWAPPED)) {
        String swap = family;
        family = given;
        given = swap;
        nameAgrees = false;
      }
      if (lay(traps, Trap.MEMBER_TYPO_IN_BIRTH_DATE)) {
        birthDate = mistaken(who.birthDate()).toString();
        birthDateAgrees = false;
      } else if (lay(traps, Trap.MEMBER_WITHOUT_BIRTH_DATE)) {
        birthDate = "";
        birthDateAgrees = false;
      }
      if (lay(traps, Trap.MEMBER_NEW_PHONE)) {
        phone = people.phone();
      } else if (lay(traps, Trap.MEMBER_WITHOUT_PHONE)) {
        phone = "";
      }
      if (lay(traps, Trap.MEMBER_NEW_EMAIL)) {
        email = people.email(who.given(), family);
      } else if (lay(traps, Trap.MEMBER_WITHOUT_EMAIL)) {
        email = "";
      }
      if (lay(traps, Trap.MEMBER_MOVED)) {
        place = people.place();
      }
    }
    Truth.Label label =
        chart == null
            ? Truth.Label.NONE
            : Truth.label(
                (chart.status == 4 ? 0 : 1) + (several ? 1 : 0),
                chart.status,
                nameAgrees,
                birthDateAgrees,
                ambiguous,
                Truth.contacts(chart.home, chart.work, chart.mobile, chart.email).stream()
                    .anyMatch((phone + " " + email)::contains));
    int number = ++members;
    memberCredit--;
    SourcePatient typed =
        asTyped(
            Truth.memberNumber(number), who, family, given, birthDate, phone, email, place, traps);
    out.member(
        new PracticeWriter.MemberRow(
            number,
            who.id(),
            chart == null || chart.status == 4 ? null : chart.patNum,
            label,
            traps,
            nameAgrees && chart != null,
            birthDateAgrees,
            ambiguous,
            (phone + " " + email).strip(),
            family,
            given,
            birthDate.isEmpty() ? Chart.NO_DATE : birthDate,
            who.female() ? 1 : 0,
            phone,
            email));
    sink.add(Truth.memberNumber(number), typed);
  }

  private boolean lay(Set<Trap> traps, Trap trap) {
    boolean happens = happens(trap);
    if (happens) {
      traps.add(trap);
    }
    return happens;
  }

  private SourcePatient asTyped(
      String number,
      Someone who,
      String family,
      String given,
      String birthDate,
      String phone,
      String email,
      People.Place place,
      Set<Trap> traps) {
    String typedFamily = family;
    String typedGiven = given;
    String typedEmail = email;
    if (lay(traps, Trap.MEMBER_IN_ODD_CASE)) {
      boolean capitals = people.oneIn(2);
      typedFamily = capitals ? family.toUpperCase(Locale.ROOT) : family.toLowerCase(Locale.ROOT);
      typedGiven = capitals ? given.toUpperCase(Locale.ROOT) : given.toLowerCase(Locale.ROOT) + " ";
      typedEmail = email.toUpperCase(Locale.ROOT);
    }
    return new SourcePatient(
        number,
        null,
        "ACTIVE",
        null,
        typedFamily,
        typedGiven,
        people.oneIn(4) && !who.middle().isEmpty() ? who.middle().substring(0, 1) : null,
        who.suffix().isEmpty() ? null : who.suffix(),
        null,
        null,
        birthDate.isEmpty() ? null : birthDate,
        people.oneIn(6) ? null : who.female() ? "female" : "male",
        who.ssn() != null && people.oneIn(7) ? who.ssn().substring(5) : null,
        phone.isEmpty() ? List.of() : List.of(new SourcePhone("mobile", typed(phone))),
        email.isEmpty() ? List.of() : List.of(typedEmail),
        new SourceAddress(
            place.line1(),
            place.line2(),
            place.city(),
            "OH",
            place.zip(),
            people.oneOf("US", "USA")),
        null,
        null,
        null,
        null,
        people.oneOf("yes", "no", "unknown"),
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null);
  }

  private LocalDate mistaken(LocalDate date) {
    if (date.getDayOfMonth() <= 12
        && date.getDayOfMonth() != date.getMonthValue()
        && people.oneIn(2)) {
      return LocalDate.of(date.getYear(), date.getDayOfMonth(), date.getMonthValue());
    }
    return people.oneIn(2) ? date.minusYears(1) : date.minusDays(1 + people.upTo(9));
  }
}
