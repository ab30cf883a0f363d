package org.pmslink.patient;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.pmslink.patient.PatientRecord.QualityFlag;

/** E-mail fields as typed, to addresses. */
final class EmailCleaner {
  private static final int LONGEST = 254;
  private static final Pattern SEPARATOR = Pattern.compile("[;,|\\s]+");
  private static final Pattern ADDRESS =
      Pattern.compile(
          "[\\p{L}\\p{N}!#$%&'*+/=?^_`{}~-]+(?:\\.[\\p{L}\\p{N}!#$%&'*+/=?^_`{}~-]+)*\\.?"
              + "@[\\p{L}\\p{N}](?:[\\p{L}\\p{N}-]*)(?:\\.[\\p{L}\\p{N}-]+)+");

  private static final Set<String> FILLER_LOCAL_PARTS =
      Set.of(
          "none",
          "no",
          "noemail",
          "no-email",
          "no_email",
          "no.email",
          "nomail",
          "noone",
          "declined",
          "decline",
          "declines",
          "declinedemail",
          "refused",
          "refuse",
          "refusedemail",
          "na",
          "n/a",
          "nobody",
          "unknown",
          "notgiven",
          "notprovided",
          "not.provided",
          "donotemail",
          "doesnothave",
          "donthave",
          "noaddress",
          "nope",
          "xxx",
          "xxxx",
          "fake",
          "dummy");
  private static final Set<String> FILLER_DOMAINS =
      Set.of(
          "none.com",
          "none.none",
          "none.net",
          "none.org",
          "noemail.com",
          "noemail.net",
          "noemail.org",
          "no-email.com",
          "nomail.com",
          "noname.com",
          "declined.com",
          "refused.com",
          "na.com",
          "n/a.com",
          "unknown.com",
          "nobody.com",
          "test.com",
          "no.com",
          "no.no");
  private static final Set<String> FILLER_WORDS =
      Set.of(
          "none",
          "no",
          "noemail",
          "declined",
          "declines",
          "decline",
          "refused",
          "na",
          "unknown",
          "nothing",
          "doesnothave",
          "donthave",
          "notprovided",
          "notgiven",
          "no@",
          "nocomputer");

  private EmailCleaner() {}

  static List<String> clean(List<String> typed, Set<QualityFlag> flags) {
    List<String> emails = new ArrayList<>(typed.size());
    for (String entry : typed) {
      String text = SourceText.clean("emails", entry);
      if (text != null) {
        field(text.toLowerCase(Locale.ROOT), emails, flags);
      }
    }
    return emails;
  }

  private static void field(String text, List<String> emails, Set<QualityFlag> flags) {
    if (text.indexOf('@') < 0) {
      String word = Folding.fold(text);
      if (!word.isEmpty()) {
        boolean filler = FILLER_WORDS.contains(word);
        flags.add(filler ? QualityFlag.EMAIL_FILLER : QualityFlag.EMAIL_UNREADABLE);
      }
      return;
    }
    for (String part : SEPARATOR.split(text)) {
      // In "Bob Smith <bob@smith.com>; ..." the words beside an address are its owner's name.
      if (part.indexOf('@') >= 0) {
        address(bare(part), emails, flags);
      }
    }
  }

  /** Whether a text in lower case is an address and nothing else. */
  static boolean isAddress(String text) {
    return text.length() <= LONGEST && ADDRESS.matcher(text).matches();
  }

  private static String bare(String part) {
    String text = part.startsWith("mailto:") ? part.substring("mailto:".length()) : part;
    int from = 0;
    int end = text.length();
    while (from < end && "<(\"'[.".indexOf(text.charAt(from)) >= 0) {
      from++;
    }
    while (end > from && ">)\"'].:,".indexOf(text.charAt(end - 1)) >= 0) {
      end--;
    }
    return text.substring(from, end);
  }

  private static void address(String address, List<String> emails, Set<QualityFlag> flags) {
    int at = address.indexOf('@');
    if (at >= 0) {
      String local = address.substring(0, at);
      String domain = address.substring(at + 1);
      if (FILLER_LOCAL_PARTS.contains(local)
          || FILLER_DOMAINS.contains(domain)
          || (local.equals("test") && domain.startsWith("test"))) {
        flags.add(QualityFlag.EMAIL_FILLER);
        return;
      }
    }
    if (!isAddress(address)) {
      flags.add(QualityFlag.EMAIL_UNREADABLE);
    } else if (!emails.contains(address)) {
      emails.add(address);
    }
  }
}
