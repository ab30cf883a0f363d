package org.pmslink.patient;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.pmslink.patient.PatientRecord.QualityFlag;
import org.pmslink.patient.SourcePatient.SourcePhone;

/**
 * Whether contact data can be used as somebody types them. From a PMS, what cannot is dropped; who
 * types it is there and can be asked.
 */
public final class TypedContact {
  /** North America's numbers begin with +1, and are known well enough to be read. */
  private static final Pattern FOREIGN = Pattern.compile("\\+ ?[2-9][0-9() ./-]*");

  private static final int FEWEST_DIGITS = 7;
  private static final int MOST_DIGITS = 15;
  private static final Pattern ZIP = Pattern.compile("[0-9]{5}([- ]?[0-9]{4})?");

  private TypedContact() {}

  /** Whether it is a telephone number that can be dialled, or one of another country. */
  public static boolean isPhone(String typed) {
    if (FOREIGN.matcher(typed).matches()) {
      long digits = typed.chars().filter(c -> c >= '0' && c <= '9').count();
      return digits >= FEWEST_DIGITS && digits <= MOST_DIGITS;
    }
    EnumSet<QualityFlag> flags = EnumSet.noneOf(QualityFlag.class);
    return !PhoneCleaner.clean(List.of(new SourcePhone("mobile", typed)), flags).isEmpty();
  }

  /** Whether it is one e-mail address. */
  public static boolean isEmail(String typed) {
    return EmailCleaner.isAddress(typed.toLowerCase(Locale.ROOT));
  }

  /**
   * Whether it is a ZIP code, or one of another country: in a state that is none of ours any text,
   * and without a state any with a digit.
   */
  public static boolean isPostalCode(String typed, String state) {
    if (ZIP.matcher(typed).matches()) {
      return true;
    }
    return state.isBlank()
        ? typed.chars().anyMatch(Character::isDigit)
        : !AddressCleaner.isAmericanState(state);
  }
}
