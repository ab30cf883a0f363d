package org.pmslink.matching;

import java.util.Locale;

/**
 * What comparing one field of two records can yield, strongest agreement first within a field. The
 * names are those of {@code matching.yaml}: {@code birth_date} and {@code one_digit}.
 */
enum Level {
  GIVEN_EXACT(Field.GIVEN),
  GIVEN_PREFERRED(Field.GIVEN),
  GIVEN_NICKNAME(Field.GIVEN),
  GIVEN_SAME_FORMAL(Field.GIVEN),
  GIVEN_SWAPPED(Field.GIVEN),
  GIVEN_TYPO(Field.GIVEN),
  GIVEN_TRUNCATED(Field.GIVEN),
  GIVEN_INITIAL(Field.GIVEN),
  GIVEN_MIDDLE_NAME(Field.GIVEN),
  GIVEN_SIMILAR(Field.GIVEN),
  GIVEN_DIFFERENT(Field.GIVEN),
  MIDDLE_EXACT(Field.MIDDLE),
  MIDDLE_INITIAL(Field.MIDDLE),
  MIDDLE_DIFFERENT(Field.MIDDLE),
  SUFFIX_EXACT(Field.SUFFIX),
  SUFFIX_ONE_SIDED(Field.SUFFIX),
  SUFFIX_DIFFERENT(Field.SUFFIX),
  BIRTH_DATE_EXACT(Field.BIRTH_DATE),
  BIRTH_DATE_DAY_MONTH_SWAPPED(Field.BIRTH_DATE),
  BIRTH_DATE_ONE_DIGIT(Field.BIRTH_DATE),
  BIRTH_DATE_YEAR_OFF(Field.BIRTH_DATE),
  BIRTH_DATE_NEIGHBOURING_DAY(Field.BIRTH_DATE),
  BIRTH_DATE_DAY_OR_MONTH(Field.BIRTH_DATE),
  BIRTH_DATE_SAME_DAY_AND_MONTH(Field.BIRTH_DATE),
  BIRTH_DATE_TWO_DIGITS(Field.BIRTH_DATE),
  BIRTH_DATE_DIFFERENT(Field.BIRTH_DATE),
  SEX_EQUAL(Field.SEX),
  SEX_DIFFERENT(Field.SEX),
  SSN_EXACT(Field.SSN),
  SSN_LAST_FOUR(Field.SSN),
  SSN_ONE_DIGIT(Field.SSN),
  SSN_DIFFERENT(Field.SSN),
  PHONE_EXACT(Field.PHONE),
  PHONE_DIFFERENT(Field.PHONE),
  EMAIL_EXACT(Field.EMAIL),
  EMAIL_CLOSE(Field.EMAIL),
  EMAIL_DIFFERENT(Field.EMAIL),
  FAMILY_EXACT(Field.FAMILY),
  FAMILY_SWAPPED(Field.FAMILY),
  FAMILY_TRUNCATED(Field.FAMILY),
  FAMILY_PART_OF_DOUBLE(Field.FAMILY),
  FAMILY_TYPO(Field.FAMILY),
  FAMILY_SIMILAR(Field.FAMILY),
  FAMILY_DIFFERENT(Field.FAMILY),
  SHARED_PHONE_EXACT(Field.SHARED_PHONE),
  SHARED_EMAIL_EXACT(Field.SHARED_EMAIL),
  ADDRESS_OWN(Field.ADDRESS),
  ADDRESS_OWN_CLOSE(Field.ADDRESS),
  ADDRESS_EXACT(Field.ADDRESS),
  ADDRESS_CLOSE(Field.ADDRESS),
  ADDRESS_PARTIAL(Field.ADDRESS),
  ADDRESS_ZIP(Field.ADDRESS),
  ADDRESS_CITY(Field.ADDRESS),
  ADDRESS_DIFFERENT(Field.ADDRESS),
  GUARANTOR_EXACT(Field.GUARANTOR),
  GUARANTOR_DIFFERENT(Field.GUARANTOR);

  /** What is compared. */
  enum Field {
    GIVEN,
    MIDDLE,
    SUFFIX,
    BIRTH_DATE,
    SEX,
    SSN,
    PHONE,
    EMAIL,
    FAMILY,
    SHARED_PHONE,
    SHARED_EMAIL,
    ADDRESS,
    GUARANTOR;

    final String label = name().toLowerCase(Locale.ROOT);

    /** Whether a family shares it, so that it tells its members not apart. */
    boolean isHousehold() {
      return compareTo(FAMILY) >= 0;
    }
  }

  final Field field;
  final String label;

  Level(Field field) {
    this.field = field;
    this.label = name().substring(field.name().length() + 1).toLowerCase(Locale.ROOT);
  }
}
