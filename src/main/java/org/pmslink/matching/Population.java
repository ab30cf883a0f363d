package org.pmslink.matching;

/**
 * What must be known about everybody before two records can be judged: how common a name is, and
 * who else has a telephone number. The command line counts it over its files; the pipeline reads it
 * from the store. Two answers to one question must be the same as long as a decision shall be
 * repeatable.
 */
public interface Population {

  /** Number of records among which a partner is looked for. */
  int records();

  /** Share of people, 0 to 1, who bear this given name; folded as {@code Folding} does. */
  double givenFrequency(String given);

  /** Share of people, 0 to 1, who bear this family name; folded. */
  double familyFrequency(String family);

  /** Share of records with an address that are in this city; folded. */
  double cityFrequency(String city);

  /** Whether this is a name that people are given, and not a slip of the hand. */
  boolean isKnownGivenName(String given);

  /** Share of records that have this birth date, {@code yyyymmdd}. */
  double birthDateFrequency(int birth);

  /** Birth dates that are so much more frequent than others are fillers of that office. */
  double FILLER_BIRTH_DATE = 0.0015;

  /** Whether so many records have this birth date that it is none. */
  default boolean isFillerBirthDate(int birth) {
    return birthDateFrequency(birth) > FILLER_BIRTH_DATE;
  }

  /**
   * How many different people have this telephone number, e-mail address, place or SSN; at least 1.
   * Several records of one person count once.
   */
  int people(ContactKind kind, String value);

  /** A value that so many people have is an office's, a home's or a filler: no evidence. */
  int CROWD = 20;

  /** Whether so many people have this value that it is no evidence. */
  default boolean isCrowds(ContactKind kind, String value) {
    return people(kind, value) >= CROWD;
  }

  /** Whether any value of this kind may be a crowd's: so seldom that it is worth asking first. */
  default boolean mayHaveCrowds(ContactKind kind) {
    return true;
  }

  /**
   * Whether several people who have this telephone number, e-mail address or place were born on one
   * day and have given names that begin alike: of such twins an initial says nothing.
   */
  boolean areTwins(ContactKind kind, String value, int birth, char initial);

  /** Latest year in which somebody here is born: who was born shortly before it is a child. */
  int latestBirthYear();

  /** Whether people here live in families; if so, an address is no proof of a person. */
  boolean hasHouseholds();

  /** What several people may have in common. */
  enum ContactKind {
    PHONE,
    EMAIL,
    PLACE,
    SSN
  }
}
