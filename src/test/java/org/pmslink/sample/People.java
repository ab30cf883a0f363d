package org.pmslink.sample;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.ClassPathResource;

/**
 * Invents people of central Ohio, the same for the same seed. Numbers and e-mails are not given
 * twice, so two records share one only where the generator means them to.
 */
final class People {

  /** The day all ages are reckoned from; a clock would make two runs differ. */
  static final LocalDate TODAY = LocalDate.of(2026, 6, 30);

  private static final String[] SURNAMES = list("surnames.txt");
  private static final String[] FEMALE = list("female-names.txt");
  private static final String[] MALE = list("male-names.txt");
  private static final String[] STREETS = list("streets.txt");

  /** A thousand surnames are too few for a million people; these make two thousand rare ones. */
  private static final String[] SURNAME_HEADS =
      words(
          "Ash Bark Beck Bent Black Brad Bran Brock Burn Calder Carl Chat Clay Cliff Cold Cran Dal"
              + " Den Dray East Ed Fair Fern Gold Hal Ham Hart Hazel Holm Kirk Lang Lin Long Lyn"
              + " Mar Mil Nor Oak Pem Quen Rad Raven Rock Rush Sand Shel Stan Strat Sut Thorn Tun"
              + " Wake War West Whit Win Wood Wyn York Zim");

  private static final String[] SURNAME_TAILS =
      words(
          "berg bourne bridge brook burn bury by cott croft dale den dorf field ford gate grove ham"
              + " hurst land ley man meyer mond more ridge shaw stead stein stone ston ton vale view"
              + " well wick wood worth");

  private static final String[] AREA_CODES =
      words("614 380 740 937 513 216 330 419 440 567 220 234");
  private static final int EXCHANGES = 700;
  private static final long NUMBERS = (long) AREA_CODES.length * EXCHANGES * 10_000;

  /** Coprime to {@link #NUMBERS}, so that counting up walks through all numbers once. */
  private static final long STRIDE = 40_503_187;

  private static final String[] PROVIDERS =
      words("gmail yahoo outlook hotmail icloud aol mail columbus.net osu.edu buckeye spectrum");
  private static final String[] STREET_KINDS =
      words("St Street Ave Avenue Rd Road Dr Drive Ct Court Ln Lane Blvd Pl Way Cir");
  private static final String[][] TOWNS = {
    {"Columbus", "43201"},
    {"Columbus", "43202"},
    {"Columbus", "43204"},
    {"Columbus", "43206"},
    {"Columbus", "43207"},
    {"Columbus", "43212"},
    {"Columbus", "43214"},
    {"Columbus", "43220"},
    {"Columbus", "43221"},
    {"Columbus", "43229"},
    {"Columbus", "43235"},
    {"Westerville", "43081"},
    {"Westerville", "43082"},
    {"New Albany", "43054"},
    {"Worthington", "43085"},
    {"Marysville", "43040"},
    {"Grove City", "43123"},
    {"Lancaster", "43130"},
    {"Gahanna", "43230"},
    {"Pickerington", "43147"},
    {"Reynoldsburg", "43068"},
    {"Lewis Center", "43035"},
    {"Canal Winchester", "43110"},
    {"Dublin", "43016"},
    {"Dublin", "43017"},
    {"Hilliard", "43026"},
    {"Galloway", "43119"},
    {"Powell", "43065"},
    {"Newark", "43055"},
    {"Delaware", "43015"}
  };

  private static final Map<String, List<String>> NICKNAMES =
      Map.ofEntries(
          Map.entry("Robert", List.of("Bob", "Rob", "Bobby")),
          Map.entry("William", List.of("Bill", "Will", "Billy")),
          Map.entry("James", List.of("Jim", "Jimmy")),
          Map.entry("Michael", List.of("Mike")),
          Map.entry("David", List.of("Dave")),
          Map.entry("Daniel", List.of("Dan", "Danny")),
          Map.entry("Joseph", List.of("Joe", "Joey")),
          Map.entry("Thomas", List.of("Tom", "Tommy")),
          Map.entry("Richard", List.of("Rick", "Dick", "Rich")),
          Map.entry("Charles", List.of("Chuck", "Charlie")),
          Map.entry("Andrew", List.of("Andy", "Drew")),
          Map.entry("Matthew", List.of("Matt")),
          Map.entry("Christopher", List.of("Chris")),
          Map.entry("Anthony", List.of("Tony")),
          Map.entry("Benjamin", List.of("Ben")),
          Map.entry("Samuel", List.of("Sam")),
          Map.entry("Nicholas", List.of("Nick")),
          Map.entry("Joshua", List.of("Josh")),
          Map.entry("Kenneth", List.of("Ken")),
          Map.entry("Edward", List.of("Ed", "Ted")),
          Map.entry("Gregory", List.of("Greg")),
          Map.entry("Jeffrey", List.of("Jeff")),
          Map.entry("Timothy", List.of("Tim")),
          Map.entry("Zachary", List.of("Zach")),
          Map.entry("Steven", List.of("Steve")),
          Map.entry("Ronald", List.of("Ron")),
          Map.entry("Lawrence", List.of("Larry")),
          Map.entry("Patrick", List.of("Pat")),
          Map.entry("Raymond", List.of("Ray")),
          Map.entry("Elizabeth", List.of("Liz", "Beth", "Betsy")),
          Map.entry("Katherine", List.of("Kate", "Kathy", "Katie")),
          Map.entry("Margaret", List.of("Peggy", "Maggie", "Meg")),
          Map.entry("Patricia", List.of("Pat", "Patty")),
          Map.entry("Jennifer", List.of("Jen", "Jenny")),
          Map.entry("Rebecca", List.of("Becky")),
          Map.entry("Deborah", List.of("Debbie", "Deb")),
          Map.entry("Barbara", List.of("Barb")),
          Map.entry("Susan", List.of("Sue")),
          Map.entry("Cynthia", List.of("Cindy")),
          Map.entry("Stephanie", List.of("Steph")),
          Map.entry("Samantha", List.of("Sam")),
          Map.entry("Victoria", List.of("Vicky", "Tori")),
          Map.entry("Abigail", List.of("Abby")),
          Map.entry("Alexandra", List.of("Alex")),
          Map.entry("Amanda", List.of("Mandy")),
          Map.entry("Jessica", List.of("Jess")),
          Map.entry("Pamela", List.of("Pam")),
          Map.entry("Kimberly", List.of("Kim")),
          Map.entry("Christine", List.of("Chris", "Tina")),
          Map.entry("Madison", List.of("Maddie")),
          Map.entry("Sandra", List.of("Sandy")),
          Map.entry("Dorothy", List.of("Dot")),
          Map.entry("Judith", List.of("Judy")),
          Map.entry("Frances", List.of("Fran")),
          Map.entry("Theodore", List.of("Ted", "Theo")));

  private static final String[][] ONE_LETTER_APART = {
    {"Jaden", "Jayden"},
    {"Alan", "Allan"},
    {"Mia", "Mya"},
    {"Ana", "Anna"},
    {"Carla", "Karla"},
    {"Marco", "Mario"},
    {"Darren", "Darrin"},
    {"Erin", "Erik"},
    {"Kylie", "Kyle"},
    {"Sara", "Sarah"},
    {"Brian", "Bryan"},
    {"Ella", "Bella"},
    {"Dana", "Diana"},
    {"Jon", "Jan"}
  };

  private final SplittableRandom random;
  private final long firstNumber;
  private long numbersGiven;
  private long emailsGiven;

  /**
   * @param used how many telephones and e-mails others have already drawn from the same seed
   */
  People(long seed, long used) {
    this.random = new SplittableRandom(seed);
    this.firstNumber = Math.floorMod(seed * 7_919, NUMBERS);
    this.numbersGiven = used;
    this.emailsGiven = used;
  }

  /** A street address in a town. */
  record Place(String line1, String line2, String city, String zip) {}

  boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  int upTo(int bound) {
    return random.nextInt(bound);
  }

  long upTo(long bound) {
    return random.nextLong(bound);
  }

  String oneOf(String... choices) {
    return choices[random.nextInt(choices.length)];
  }

  String surname() {
    if (random.nextInt(8) == 0) {
      return oneOf(SURNAME_HEADS) + oneOf(SURNAME_TAILS);
    }
    return SURNAMES[skewed(SURNAMES.length)];
  }

  String given(boolean female) {
    String[] names = female ? FEMALE : MALE;
    return names[skewed(names.length)];
  }

  /** Two names that only a careful reader tells apart. */
  String[] givenOneLetterApart() {
    return ONE_LETTER_APART[random.nextInt(ONE_LETTER_APART.length)];
  }

  @Nullable String nickname(String given) {
    List<String> names = NICKNAMES.get(given);
    return names == null ? null : names.get(random.nextInt(names.size()));
  }

  LocalDate born(int youngest, int oldest) {
    return TODAY.minusDays(youngest * 365L + random.nextInt((oldest - youngest) * 365 + 1));
  }

  /** Ten digits. */
  String phone() {
    long n = Math.floorMod(firstNumber + numbersGiven++ * STRIDE, NUMBERS);
    int exchange = 200 + (int) (n / 10_000 % EXCHANGES);
    // x11 are services and 555 is for films.
    if (exchange % 100 == 11 || exchange == 555) {
      exchange = 900 + exchange % 97;
    }
    return AREA_CODES[(int) (n / 10_000 / EXCHANGES)] + exchange + padded(n % 10_000, 4);
  }

  String email(String given, String family) {
    String name =
        switch (random.nextInt(4)) {
          case 0 -> given + "." + family;
          case 1 -> given.charAt(0) + family;
          case 2 -> given + "_" + family;
          default -> given + family.charAt(0);
        };
    StringBuilder email = new StringBuilder(40);
    for (int i = 0; i < name.length(); i++) {
      char c = Character.toLowerCase(name.charAt(i));
      if ((c >= 'a' && c <= 'z') || c == '.' || c == '_') {
        email.append(c);
      }
    }
    return email
        .append(Long.toString(emailsGiven++, 36))
        .append('@')
        .append(oneOf(PROVIDERS))
        .append(".example")
        .toString();
  }

  Place place() {
    String[] town = TOWNS[random.nextInt(TOWNS.length)];
    String line1 =
        (100 + random.nextInt(9_900))
            + (oneIn(3) ? " " + oneOf("N", "S", "E", "W", "North", "South") : "")
            + " "
            + oneOf(STREETS)
            + " "
            + oneOf(STREET_KINDS);
    String line2 = oneIn(7) ? oneOf("Apt ", "Unit ", "#") + (1 + random.nextInt(60)) : "";
    return new Place(line1, line2, town[0], town[1]);
  }

  /** Nine digits. */
  String ssn() {
    return padded(268 + random.nextInt(35), 3)
        + padded(1 + random.nextInt(99), 2)
        + padded(1 + random.nextInt(9_999), 4);
  }

  /** A person needs three of these, and {@code String.format} takes longer than all the rest. */
  private static String padded(long number, int length) {
    String digits = Long.toString(number);
    return "0".repeat(length - digits.length()) + digits;
  }

  /** A slip of the finger inside a word, never at its start. */
  String typo(String word) {
    if (word.length() < 4) {
      return word + word.charAt(word.length() - 1);
    }
    int at = 1 + random.nextInt(word.length() - 2);
    String swapped =
        word.substring(0, at) + word.charAt(at + 1) + word.charAt(at) + word.substring(at + 2);
    String dropped = word.substring(0, at) + word.substring(at + 1);
    return swapped.equals(word) || random.nextBoolean() ? dropped : swapped;
  }

  /** Low indexes are drawn most: the first of 1,000 surnames about once in a hundred. */
  private int skewed(int length) {
    return (int) (length * Math.pow(random.nextDouble(), 1.5));
  }

  private static String[] words(String text) {
    return text.split(" ");
  }

  private static String[] list(String file) {
    try (InputStream in = new ClassPathResource("sample/" + file).getInputStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .flatMap(line -> Arrays.stream(line.split(",")))
          .map(String::strip)
          .filter(name -> !name.isEmpty())
          .toArray(String[]::new);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
