package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.SetMatcher.Pair;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.SourcePatient.SourceAddress;
import org.pmslink.patient.SourcePatient.SourcePhone;

/**
 * A practice of another population than the labelled ones, full of people who are easily taken for
 * one another, each of whom may be missing from either file: nobody is linked to somebody else. The
 * generator knows nothing of the rules.
 */
class InventedPracticeTest {
  private static final String[][] GIVEN = {
    words(
        "Maria Jose Juan Guadalupe Carlos Luis Ana Rosa Miguel Sofia Alejandro Alejandra Diego"
            + " Camila Mateo Valentina Jesus Francisco Josefina Ximena Santiago Marisol Ignacio"),
    words(
        "Minh Linh Anh Thu Thuy Thanh Hung Huong Hoa Hien Tuan Trang Trinh Kim Lan Loan Duc"
            + " Phuong Quang Vy Khanh Bao Nhi Tien Long"),
    words(
        "Wei Jun Ming Li Xin Ying Yan Hao Jing Fang Mei Lin Yi Chen Hui Jia Min-Jun Seo-Yeon"
            + " Ji-Woo Ji-Hoon Hyun-Woo Soo-Jin Eun-Ji Sung-Ho Young-Hee Kyung-Soo"),
    words(
        "Priya Anjali Rahul Amit Anita Sunita Raj Ravi Neha Nisha Pooja Puja Arjun Arun Karan"
            + " Kiran Deepak Deepa Sanjay Vijay Ajay Rohan Rohit Meena Mina"),
    words(
        "James Robert Michael William David Jennifer Jessica Ashley Emily Madison Christopher"
            + " Elizabeth Katherine Joshua Tyler Destiny Jasmine Malik Darius Aaliyah Samuel Samantha"
            + " Daniel Danielle Alexander Alexandra Thomas Margaret Richard Patricia"),
  };
  private static final String[][] FAMILY = {
    words(
        "Garcia Martinez Hernandez Lopez Gonzalez Rodriguez Ramirez Flores Cruz Reyes Ortiz"
            + " Mendoza Castillo Vargas Ibarra Zaragoza"),
    words("Nguyen Nguyen Nguyen Nguyen Tran Tran Le Pham Huynh Vo Dang Bui Do Ngo"),
    words("Kim Kim Kim Lee Lee Park Choi Chen Wang Li Zhang Liu Wong Chan"),
    words("Patel Patel Patel Patel Shah Singh Kumar Sharma Gupta Reddy Desai"),
    words(
        "Smith Johnson Williams Brown Jones Davis Jackson Washington Miller Wilson Anderson"
            + " Harris Robinson Zuckerman Featherstone"),
  };
  private static final String[][] TWINS = {
    words("Jayden Jaden Jaydon"),
    words("Thanh Thang Thinh"),
    words("Anh Oanh Van"),
    words("Arjun Arjan Armaan"),
    words("Min-Jun Min-Jae Min-Ho"),
    words("Ji-Woo Ji-Won Ji-Yoo"),
    words("Maria Marisa Marina"),
    words("Alexander Alexandra Aleksandra"),
    words("Samuel Samantha Samara"),
    words("Daniel Danielle Daniela"),
    words("Christian Christina Christopher"),
    words("Juan Juana Joan"),
    words("Jose Josefa Josue"),
    words("Kaitlyn Kayla Kaylee"),
    words("Puja Pooja Priya"),
    words("Linh Loan Lien"),
    words("Aiden Ayden Jaiden"),
    words("William Liam Wilson"),
    words("Emma Emily Emilia"),
    words("Gabriel Gabriela Graciela"),
    words("Hao Hai Han"),
    words("Kiran Karan Karin"),
    words("Seo-Yeon Seo-Yun Seo-Hyun"),
    words("Thy Thuy Thu"),
  };
  private static final List<String> OF_GIRLS =
      List.of(
          words(
              "Alexandra Aleksandra Samantha Samara Danielle Daniela Christina Juana Joan Josefa"
                  + " Gabriela Graciela"));
  private static final List<String> OF_BOYS =
      List.of(words("Alexander Samuel Daniel Christian Christopher Juan Jose Josue Gabriel"));
  private static final String[][] NICKNAMES = {
    words("Robert Bob"), words("William Bill"), words("James Jim"), words("Jennifer Jenny"),
    words("Katherine Kate"), words("Elizabeth Beth"), words("Francisco Paco"), words("Jose Pepe"),
    words("Guadalupe Lupe"), words("Alejandro Alex"), words("Alexandra Alex"), words("Daniel Dan"),
    words("Alexander Alex"), words("Samuel Sam"), words("Samantha Sam"), words("Ignacio Nacho"),
    words("Christopher Chris"), words("Michael Mike"), words("Thomas Tom"), words("Margaret Peggy"),
    words("Richard Rick"), words("Patricia Pat"), words("Joshua Josh"), words("Christina Chris"),
  };
  private static final String[] STREETS =
      words("Oak Maple Main Alamo Mission Sunset Valley Brazos Magnolia Pecan Harbor Bolsa");
  private static final String[] TOWNS = words("Houston Dallas Austin Fresno Anaheim Garland");

  private final List<Somebody> people = new ArrayList<>();
  private Random random = new Random(0);

  private static String[] words(String text) {
    return text.split(" ");
  }

  /** One person as he or she truly is. */
  private static final class Somebody {
    String given = "";
    String family = "";
    String middle = "";
    String suffix = "";
    LocalDate birth = LocalDate.EPOCH;
    String sex = "";
    String phone = "";
    String landline = "";
    String email = "";
    String line1 = "";
    String town = "";
    String zip = "";
    String ssn = "";
    boolean isCalledByNickname = true;

    /**
     * Names of the others born that day: an initial or a slip that makes one of them is no trap.
     */
    List<String> twins = List.of();

    @Override
    public String toString() {
      return "\n    " + String.join(" ", given, middle, family, suffix, birth.toString(), sex);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {20261123, 7, 4711})
  void nobodyIsLinkedToSomebodyElse(long seed) {
    random = new Random(seed);
    for (int i = 0; i < 1_500; i++) {
      household(i);
    }
    careHomeAndDormitory();
    RecordSet charts = new RecordSet();
    RecordSet members = new RecordSet();
    List<Integer> chartOf = new ArrayList<>();
    List<Integer> memberOf = new ArrayList<>();
    PatientNormalizer normalizer = new PatientNormalizer(nine -> nine);
    for (int i = 0; i < people.size(); i++) {
      int copies = chance(0.75) ? chance(0.04) ? 2 : 1 : 0;
      for (int copy = 0; copy < copies; copy++) {
        charts.add(normalizer.person(written(people.get(i))));
        chartOf.add(i);
      }
      if (chance(0.5)) {
        members.add(normalizer.person(written(people.get(i))));
        memberOf.add(i);
      }
    }
    SetMatcher matcher = new SetMatcher(MatchingRules.shipped());
    int right = 0;
    List<String> wrong = new ArrayList<>();
    var outcome = matcher.match(charts, members);
    for (Pair pair : outcome.pairs()) {
      if (pair.grade() == Grade.CERTAIN) {
        if (chartOf.get(pair.left()).equals(memberOf.get(pair.right()))) {
          right++;
        } else {
          wrong.add(
              matcher.explain(pair, charts, members, outcome).words()
                  + people.get(chartOf.get(pair.left()))
                  + people.get(memberOf.get(pair.right())));
        }
      }
    }
    long both = chartOf.stream().filter(memberOf::contains).count();
    System.out.printf(
        "invented practice %d: %d charts, %d members, %d of %d right pairs certain, %d wrong%n",
        seed, charts.size(), members.size(), right, both, wrong.size());

    assertThat(wrong).isEmpty();
    assertThat(right / (double) both).isGreaterThan(0.75);
  }

  private void household(int number) {
    int culture = random.nextInt(GIVEN.length);
    Somebody parent = somebody(culture, 25 + random.nextInt(50));
    people.add(parent);
    Somebody spouse =
        relative(
            parent,
            culture,
            LocalDate.of(
                2026 - 25 - random.nextInt(50), 1 + random.nextInt(12), 1 + random.nextInt(28)));
    if (chance(0.6) && !spouse.given.equals(parent.given)) {
      people.add(spouse);
    }
    int born = 2003 + random.nextInt(20);
    int children = random.nextInt(4);
    Somebody last = null;
    List<String> names = new ArrayList<>(List.of(parent.given, spouse.given));
    for (int i = 0; i < children; i++) {
      Somebody child = relative(parent, culture, day(born));
      while (names.contains(child.given)) {
        child.given = pick(GIVEN[culture]);
      }
      names.add(child.given);
      if (last != null && chance(0.2)) {
        // A year apart, on the same day.
        child.birth = last.birth.plusYears(1);
      }
      if (chance(0.2)) {
        child.ssn = parent.ssn;
      }
      last = child;
      people.add(child);
      born += 1 + random.nextInt(3);
    }
    switch (number % 8) {
      case 0, 1 -> twins(parent, culture);
      case 2 -> namesakeOfAnotherGeneration(parent);
      case 3 -> cousin(parent);
      case 4 -> namesakeBornOnTheSameDay(parent);
      default -> {}
    }
  }

  private void twins(Somebody parent, int culture) {
    String[] names = TWINS[random.nextInt(TWINS.length)];
    LocalDate birth = day(chance(0.3) ? 1960 + random.nextInt(40) : 2004 + random.nextInt(20));
    int count = chance(0.2) ? 3 : 2;
    String sex = chance(0.5) ? "M" : "F";
    for (int i = 0; i < count; i++) {
      Somebody twin = relative(parent, culture, birth);
      twin.given = names[i];
      twin.sex = OF_GIRLS.contains(twin.given) ? "F" : OF_BOYS.contains(twin.given) ? "M" : sex;
      twin.isCalledByNickname = i == 0;
      List<String> others = new ArrayList<>(List.of(names));
      others.remove(twin.given);
      twin.twins = others;
      if (birth.getYear() < 2004 && chance(0.5)) {
        twin.phone = phone();
      }
      people.add(twin);
    }
  }

  private void namesakeOfAnotherGeneration(Somebody parent) {
    Somebody junior = relative(parent, 0, parent.birth);
    junior.given = parent.given;
    parent.birth = parent.birth.withYear(1940 + random.nextInt(35));
    junior.birth = parent.birth.plusYears(19 + random.nextInt(15));
    junior.sex = parent.sex;
    junior.middle = chance(0.6) ? parent.middle : letter();
    parent.suffix = chance(0.4) ? "Sr" : "";
    junior.suffix = chance(0.6) ? "Jr" : "";
    if (chance(0.5)) {
      junior.phone = phone();
      junior.email = junior.given + "." + junior.family + random.nextInt(99) + "@mail.example";
    }
    people.add(junior);
  }

  private void cousin(Somebody parent) {
    Somebody cousin = somebody(0, 40);
    cousin.given = parent.given;
    cousin.family = parent.family;
    cousin.sex = parent.sex;
    cousin.birth = chance(0.4) ? parent.birth.plusYears(1) : cousin.birth;
    if (chance(0.3)) {
      cousin.line1 = parent.line1;
      cousin.town = parent.town;
      cousin.zip = parent.zip;
    }
    people.add(cousin);
  }

  private void namesakeBornOnTheSameDay(Somebody parent) {
    Somebody namesake = somebody(0, 40);
    namesake.given = parent.given;
    namesake.family = parent.family;
    namesake.sex = parent.sex;
    namesake.birth = parent.birth;
    people.add(namesake);
  }

  private void careHomeAndDormitory() {
    for (int home = 0; home < 4; home++) {
      Somebody address = somebody(4, 80);
      int residents = 6 + random.nextInt(40);
      for (int i = 0; i < residents; i++) {
        Somebody resident = somebody(random.nextInt(GIVEN.length), 0);
        resident.birth = day(home % 2 == 0 ? 1935 + random.nextInt(8) : 2005 + random.nextInt(3));
        resident.line1 = address.line1;
        resident.town = address.town;
        resident.zip = address.zip;
        resident.phone = address.phone;
        resident.email = chance(0.5) ? address.email : resident.email;
        people.add(resident);
      }
    }
  }

  private Somebody somebody(int culture, int age) {
    Somebody one = new Somebody();
    one.given = pick(GIVEN[culture]);
    one.family = pick(FAMILY[culture]);
    if (culture == 0 && chance(0.5)) {
      one.family += (chance(0.5) ? "-" : " ") + pick(FAMILY[0]);
    }
    one.middle = chance(0.6) ? letter() : "";
    one.birth = day(2026 - age);
    if (culture == 1 && chance(0.25)) {
      one.birth = one.birth.withDayOfYear(1);
    }
    one.sex = chance(0.5) ? "M" : "F";
    one.phone = phone();
    one.landline = chance(0.3) ? phone() : "";
    one.email = one.given + one.family.split("[ -]")[0] + random.nextInt(90) + "@mail.example";
    one.line1 = (100 + random.nextInt(900)) + " " + pick(STREETS) + " St";
    one.town = pick(TOWNS);
    one.zip = "7700" + random.nextInt(10);
    one.ssn = "" + (100_000_000 + random.nextInt(500_000_000));
    return one;
  }

  /** Somebody of the same household, with its telephone and e-mail more often than not. */
  private Somebody relative(Somebody parent, int culture, LocalDate birth) {
    Somebody one = somebody(culture, 30);
    one.birth = birth;
    one.family = parent.family;
    one.line1 = parent.line1;
    one.town = parent.town;
    one.zip = parent.zip;
    one.landline = parent.landline;
    boolean child = birth.getYear() > 2004;
    one.phone = child || chance(0.5) ? parent.phone : one.phone;
    one.email = child || chance(0.5) ? parent.email : one.email;
    return one;
  }

  // ---- What a clerk makes of it ----

  private SourcePatient written(Somebody one) {
    String given = one.given;
    for (String[] nickname : NICKNAMES) {
      if (one.isCalledByNickname && nickname[0].equals(given) && chance(0.25)) {
        given = nickname[1];
      }
    }
    String mistyped = mistyped(given);
    if (chance(0.05) && one.twins.stream().noneMatch(twin -> isLike(mistyped, twin))) {
      given = mistyped;
    } else if (one.twins.isEmpty() && chance(0.03)) {
      given = given.substring(0, 1);
    } else if (chance(0.2)) {
      given = given.replace('-', ' ');
    } else if (chance(0.1)) {
      given = given.replace("-", "").toUpperCase(Locale.ROOT);
    }
    String family = one.family;
    String[] parts = family.split("[ -]");
    if (parts.length == 2 && chance(0.4)) {
      family =
          switch (random.nextInt(3)) {
            case 0 -> parts[0];
            case 1 -> parts[1];
            default -> parts[1] + " " + parts[0];
          };
    }
    if (chance(0.05)) {
      family = mistyped(family);
    } else if (one.sex.equals("F") && chance(0.03)) {
      family = pick(FAMILY[random.nextInt(FAMILY.length)]);
    }
    boolean swapped = chance(0.01);
    boolean moved = chance(0.12);
    return SourcePatient.person(
        "x",
        swapped ? given : family,
        swapped ? family : given,
        chance(0.5) ? one.middle : null,
        chance(0.6) ? one.suffix : null,
        null,
        birth(one.birth),
        chance(0.1)
            ? null
            : one.twins.isEmpty() && chance(0.01) ? (one.sex.equals("M") ? "F" : "M") : one.sex,
        chance(0.2) ? one.ssn : chance(0.2) ? one.ssn.substring(5) : null,
        List.of(
            new SourcePhone("home", chance(0.6) ? one.landline : null),
            new SourcePhone("mobile", chance(0.1) ? null : chance(0.1) ? phone() : one.phone)),
        chance(0.3) ? List.of() : List.of(chance(0.1) ? mistyped(one.email) : one.email),
        chance(0.08)
            ? null
            : new SourceAddress(
                moved
                    ? random.nextInt(999) + " " + pick(STREETS) + " Street"
                    : chance(0.05) ? mistyped(one.line1) : one.line1,
                null,
                moved ? pick(TOWNS) : one.town,
                "TX",
                moved ? "7700" + random.nextInt(10) : one.zip,
                null),
        null);
  }

  private @Nullable String birth(LocalDate date) {
    int what = random.nextInt(100);
    if (what < 4) {
      return what < 2 ? null : "1900-01-01";
    }
    if (what == 4 && date.getDayOfMonth() <= 12) {
      return LocalDate.of(date.getYear(), date.getDayOfMonth(), date.getMonthValue()).toString();
    }
    return what < 7 ? date.plusDays(random.nextInt(3) - 1L).toString() : date.toString();
  }

  private String mistyped(String text) {
    int at = 1 + random.nextInt(Math.max(1, text.length() - 2));
    if (at + 1 >= text.length()) {
      return text;
    }
    return switch (random.nextInt(4)) {
      case 0 ->
          text.substring(0, at) + text.charAt(at + 1) + text.charAt(at) + text.substring(at + 2);
      case 1 -> text.substring(0, at) + text.substring(at + 1);
      case 2 -> text.substring(0, at) + text.charAt(at) + text.substring(at);
      default -> text.substring(0, at) + (char) ('a' + random.nextInt(26)) + text.substring(at + 1);
    };
  }

  private static boolean isLike(String mistyped, String name) {
    String one = mistyped.toLowerCase(Locale.ROOT);
    String other = name.toLowerCase(Locale.ROOT);
    return one.equals(other) || Likeness.isOneEdit(one, other);
  }

  private LocalDate day(int year) {
    return LocalDate.of(year, 1, 1).plusDays(random.nextInt(365));
  }

  private String phone() {
    return "713" + (2_000_000 + random.nextInt(7_000_000));
  }

  private String letter() {
    return "" + (char) ('A' + random.nextInt(20));
  }

  private boolean chance(double share) {
    return random.nextDouble() < share;
  }

  private String pick(String[] from) {
    return from[random.nextInt(from.length)];
  }
}
