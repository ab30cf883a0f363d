package org.pmslink.patient;

import com.google.i18n.phonenumbers.NumberParseException;
import com.google.i18n.phonenumbers.PhoneNumberUtil;
import com.google.i18n.phonenumbers.PhoneNumberUtil.PhoneNumberFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.PatientRecord.QualityFlag;
import org.pmslink.patient.Person.Phone;
import org.pmslink.patient.Person.PhoneUse;
import org.pmslink.patient.SourcePatient.SourcePhone;

/** Telephone fields as typed, to numbers that can be dialled. */
final class PhoneCleaner {
  private static final PhoneNumberUtil LIBRARY = PhoneNumberUtil.getInstance();
  private static final Pattern EXTENSION =
      Pattern.compile("(?:extension|extn|ext|x|#)[.: ]*\\d{1,6}(?!\\d)", Pattern.CASE_INSENSITIVE);
  private static final Pattern SEPARATOR =
      Pattern.compile("[;,|&/\n]|\\bor\\b|\\band\\b", Pattern.CASE_INSENSITIVE);

  private PhoneCleaner() {}

  static List<Phone> clean(List<SourcePhone> typed, Set<QualityFlag> flags) {
    List<Phone> phones = new ArrayList<>(typed.size());
    for (SourcePhone phone : typed) {
      String number = SourceText.clean("phones.number", phone.number());
      PhoneUse use = use(SourceText.clean("phones.use", phone.use()));
      if (number != null) {
        field(use, number, phones, flags);
      }
    }
    return phones;
  }

  private static PhoneUse use(@Nullable String typed) {
    if (typed == null) {
      return PhoneUse.HOME;
    }
    return switch (typed.toLowerCase(Locale.ROOT)) {
      case "mobile", "cell", "cellular", "wireless" -> PhoneUse.MOBILE;
      case "work", "office", "business" -> PhoneUse.WORK;
      default -> PhoneUse.HOME;
    };
  }

  private static void field(
      PhoneUse use, String typed, List<Phone> phones, Set<QualityFlag> flags) {
    String text = hasExtensionMark(typed) ? EXTENSION.matcher(typed).replaceAll(" ") : typed;
    String digits = digits(text);
    if (digits.isEmpty()) {
      // "(   )   -" is an empty mask; words are a remark that somebody should see.
      if (text.chars().anyMatch(Character::isLetter)) {
        flags.add(QualityFlag.PHONE_UNREADABLE);
      }
      return;
    }
    if (isNational(digits) || text.startsWith("+") || text.startsWith("011")) {
      number(use, text, digits, phones, flags);
      return;
    }
    List<String> parts = new ArrayList<>();
    for (String part : SEPARATOR.split(text)) {
      if (!digits(part).isEmpty()) {
        parts.add(part);
      }
    }
    if (parts.size() == 1) {
      int first = digits.startsWith("1") ? 11 : 10;
      if (digits.length() >= first + 10 && isNational(digits.substring(first))) {
        parts = List.of(digits.substring(0, first), digits.substring(first));
      }
    }
    for (String part : parts) {
      number(use, part.trim(), digits(part), phones, flags);
    }
  }

  private static void number(
      PhoneUse use, String text, String digits, List<Phone> phones, Set<QualityFlag> flags) {
    if (isFiller(digits)) {
      flags.add(QualityFlag.PHONE_FILLER);
      return;
    }
    String e164 = e164(text, digits);
    if (e164 == null) {
      flags.add(QualityFlag.PHONE_UNREADABLE);
      return;
    }
    for (int i = 0; i < phones.size(); i++) {
      if (phones.get(i).e164().equals(e164)) {
        // The same number in two fields: that it is a mobile is the more useful thing to know.
        if (use == PhoneUse.MOBILE) {
          phones.set(i, new Phone(use, e164));
        }
        return;
      }
    }
    phones.add(new Phone(use, e164));
  }

  /**
   * US numbers, nearly all there are, are checked by the numbering plan alone: area code and
   * exchange start with 2 to 9 and are no service code such as 911. The library is for the rest; it
   * takes ten times as long and would refuse area codes newer than its tables.
   */
  private static @Nullable String e164(String text, String digits) {
    boolean foreign = text.startsWith("+") && !digits.startsWith("1");
    if (!foreign && isNational(digits)) {
      String ten = digits.substring(digits.length() - 10);
      return isInNumberingPlan(ten) ? "+1" + ten : null;
    }
    if (digits.length() < 8 || digits.length() > 18) {
      return null;
    }
    try {
      var parsed = LIBRARY.parse(text, "US");
      return LIBRARY.isValidNumber(parsed) ? LIBRARY.format(parsed, PhoneNumberFormat.E164) : null;
    } catch (NumberParseException notANumber) {
      return null;
    }
  }

  private static boolean isNational(String digits) {
    return digits.length() == 10 || (digits.length() == 11 && digits.charAt(0) == '1');
  }

  private static boolean isInNumberingPlan(String ten) {
    boolean serviceCode = ten.charAt(1) == '1' && ten.charAt(2) == '1';
    return ten.charAt(0) >= '2' && !serviceCode && ten.charAt(3) >= '2';
  }

  private static boolean isFiller(String digits) {
    if (isOneDigit(digits, 0)) {
      return true;
    }
    if (digits.length() == 7) {
      return digits.equals("1234567");
    }
    if (!isNational(digits)) {
      return false;
    }
    int start = digits.length() - 10;
    return isOneDigit(digits, start + 3)
        || digits.startsWith("1234567890", start)
        || digits.startsWith("0123456789", start)
        || digits.startsWith("1234567", start + 3);
  }

  private static boolean isOneDigit(String digits, int from) {
    for (int i = from + 1; i < digits.length(); i++) {
      if (digits.charAt(i) != digits.charAt(from)) {
        return false;
      }
    }
    return true;
  }

  private static boolean hasExtensionMark(String text) {
    return text.indexOf('x') >= 0 || text.indexOf('X') >= 0 || text.indexOf('#') >= 0;
  }

  private static String digits(String text) {
    StringBuilder out = new StringBuilder(11);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= '0' && c <= '9') {
        out.append(c);
      }
    }
    return out.toString();
  }
}
