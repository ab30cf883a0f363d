package org.pmslink.matching;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Decision.ReviewReason;
import org.pmslink.matching.Level.Field;
import org.pmslink.matching.SetMatcher.Pair;

/**
 * Why two records have their grade, for the staff of a practice and for the audit.
 *
 * @param comparison the numbers: prior and evidence add up to the score
 * @param words the same in words; holds names, so it is patient data
 * @param whyNotCertain what keeps the pair from being linked; empty when it is certain
 * @param rulesVersion of the rules that were used
 */
public record Explanation(
    Comparison comparison, String words, List<String> whyNotCertain, String rulesVersion) {
  /** What the others of a chart are called. */
  static final String MEMBER = "member";

  /** What the others of a member are called. */
  static final String CHART = "chart";

  public Explanation {
    whyNotCertain = List.copyOf(whyNotCertain);
  }

  /**
   * @param others what the runner-up is, {@link #MEMBER} or {@link #CHART}: a rival may be of the
   *     other side
   */
  static Explanation of(
      PairScore score, Pair pair, Features a, Features b, MatchingRules rules, String others) {
    Comparison comparison = score.comparison();
    List<String> same = new ArrayList<>();
    List<String> roughly = new ArrayList<>();
    List<String> differs = new ArrayList<>();
    for (Field field : Field.values()) {
      Level level = score.level(field);
      if (level == null) {
        continue;
      }
      String text = name(field) + values(field, level, a, b);
      if (level.label.equals("different") || level == Level.SUFFIX_ONE_SIDED) {
        differs.add(text);
      } else if (level.label.equals("exact") || level.label.equals("equal")) {
        same.add(text);
      } else {
        roughly.add(text + ": " + words(level));
      }
    }
    StringBuilder words = new StringBuilder();
    append(words, "Same ", same);
    append(words, "Roughly: ", roughly);
    append(words, "Different: ", differs);
    Double runnerUp = pair.runnerUp();
    if (runnerUp == null) {
      words.append("No other ").append(others).append(" comes into question.");
    } else {
      double lead = pair.score() - runnerUp;
      words.append(
          lead < 0
              ? "Another " + others + " fits better."
              : lead <= rules.margin
                  ? "Another " + others + " fits as well."
                  : "The next best " + others + " is far behind.");
    }
    List<String> why = new ArrayList<>(SetMatcher.words(score.doubts()));
    ReviewReason rivalry = pair.rivalry();
    if (rivalry != null) {
      why.add(words(rivalry));
    }
    return new Explanation(
        new Comparison(pair.grade(), comparison.score(), comparison.prior(), comparison.evidence()),
        words.toString(),
        pair.grade() == Grade.CERTAIN ? List.of() : why,
        rules.version());
  }

  /** The same where a pair that nothing else speaks against is not certain all the same. */
  Explanation orTooMany() {
    return comparison.grade() != Grade.PROBABLE || !whyNotCertain.isEmpty()
        ? this
        : new Explanation(
            comparison,
            words,
            List.of("too many records share what is known to compare them all"),
            rulesVersion);
  }

  /** The same where a person has told the two apart, or linked one of them to somebody else. */
  Explanation decidedOtherwise() {
    List<String> why = new ArrayList<>(whyNotCertain);
    why.add("somebody has decided otherwise about one of the two");
    return new Explanation(comparison, words, why, rulesVersion);
  }

  /** Why, with what keeps the pair from being certain, in sentences. */
  public String sentences() {
    StringBuilder sentences = new StringBuilder(words);
    whyNotCertain.forEach(doubt -> sentences.append(" Not certain: ").append(doubt).append('.'));
    return sentences.toString();
  }

  /** Who fits as well. */
  private static String words(ReviewReason rivalry) {
    return switch (rivalry) {
      case SEVERAL_CANDIDATES -> "another member fits the chart as well";
      case DUPLICATE_MEMBERS -> "another member, who seems to be the same person, fits as well";
      case CLAIMED_TWICE -> "another chart fits the member as well";
      case DUPLICATE_CHARTS -> "another chart, which seems to be the same person's, fits as well";
      default -> "another record fits as well";
    };
  }

  private static String words(Level level) {
    return switch (level) {
      case GIVEN_SAME_FORMAL -> "two forms of one name";
      case GIVEN_PREFERRED -> "the name that one goes by";
      case GIVEN_SWAPPED, FAMILY_SWAPPED -> "first name and last name exchanged";
      case GIVEN_TYPO, FAMILY_TYPO -> "a slip of the hand";
      case GIVEN_TRUNCATED, FAMILY_TRUNCATED -> "cut off";
      case GIVEN_INITIAL, MIDDLE_INITIAL -> "initial";
      case GIVEN_MIDDLE_NAME -> "the middle name of the other";
      case GIVEN_SIMILAR, FAMILY_SIMILAR -> "similar";
      case BIRTH_DATE_DAY_MONTH_SWAPPED -> "day and month exchanged";
      case BIRTH_DATE_ONE_DIGIT, SSN_ONE_DIGIT -> "one digit off";
      case BIRTH_DATE_YEAR_OFF -> "year off by one or ten";
      case BIRTH_DATE_NEIGHBOURING_DAY -> "a day off";
      case BIRTH_DATE_DAY_OR_MONTH -> "same year, and day or month";
      case BIRTH_DATE_SAME_DAY_AND_MONTH -> "same day and month of another year";
      case SSN_LAST_FOUR -> "same last four digits";
      case FAMILY_PART_OF_DOUBLE -> "one is part of the other";
      case ADDRESS_ZIP -> "same zip code, another street";
      case ADDRESS_CITY -> "same city";
      case ADDRESS_CLOSE, ADDRESS_OWN_CLOSE, EMAIL_CLOSE -> "a slip in it";
      case ADDRESS_PARTIAL -> "parts of it";
      default -> level.label.replace('_', ' ');
    };
  }

  private static void append(StringBuilder words, String lead, List<String> parts) {
    if (!parts.isEmpty()) {
      words.append(lead).append(String.join(", ", parts)).append(". ");
    }
  }

  private static String name(Field field) {
    return switch (field) {
      case GIVEN -> "first name";
      case MIDDLE -> "middle name";
      case SUFFIX -> "suffix";
      case BIRTH_DATE -> "birth date";
      case SEX -> "sex";
      case SSN -> "social security number";
      case PHONE -> "telephone";
      case EMAIL -> "e-mail";
      case FAMILY -> "last name";
      case SHARED_PHONE -> "telephone that others have too";
      case SHARED_EMAIL -> "e-mail that others have too";
      case ADDRESS -> "address";
      case GUARANTOR -> "guarantor";
    };
  }

  private static String values(Field field, Level level, Features a, Features b) {
    if (level.label.equals("exact")) {
      return "";
    }
    return switch (field) {
      case GIVEN -> pair(a.given(), b.given());
      case FAMILY -> pair(a.family(), b.family());
      case SUFFIX -> pair(a.suffix(), b.suffix());
      default -> "";
    };
  }

  private static String pair(String one, String other) {
    return " (" + capital(one) + " / " + capital(other) + ")";
  }

  private static String capital(String folded) {
    return folded.isEmpty()
        ? "none"
        : folded.substring(0, 1).toUpperCase(Locale.ROOT) + folded.substring(1);
  }

  /** As {@link Comparison#evidenceWithPrior}. */
  public List<Evidence> evidenceWithPrior() {
    return comparison.evidenceWithPrior();
  }
}
