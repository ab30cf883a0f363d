package org.pmslink.patient;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.PatientRecord.QualityFlag;
import org.pmslink.patient.Person.PersonName;

/**
 * Takes a typed name apart. Front desks use the name fields as a notebook: {@code SMITH**DO NOT
 * CALL**}, {@code zzJones}, {@code LOUTON JR.}, {@code Robert "Bob"}. Whatever is not the name goes
 * to where it belongs, or away with a flag. One instance cleans one name.
 */
final class NameCleaner {
  private static final String NOTE_WORDS =
      "(?:do not (?:call|use|text|contact|e-?mail|mail|schedule|see|treat|book|bill)|do not|dnu|dnc"
          + "|duplicate|dup|deceased|inactive|archived|dismissed|no longer (?:a )?(?:patient|pt)"
          + "|merged(?: (?:into|to|with))?|use (?:acct |account |chart |pt |id )?#? ?\\d+"
          + "|see (?:acct|account|chart|notes?|other)|bad (?:debt|address|phone)|collections"
          + "|no[ -]show|old (?:acct|account|chart))";
  private static final Pattern NOTE =
      Pattern.compile("(?:^|[ ,;:/_-]+)" + NOTE_WORDS + "\\b", Pattern.CASE_INSENSITIVE);

  /** Cheap test in front of {@link #NOTE}: nearly all names hold no word that starts a note. */
  private static final List<String> NOTE_STARTS =
      List.of(
          "do not",
          "dnu",
          "dnc",
          "dup",
          "deceased",
          "inactive",
          "archived",
          "dismissed",
          "no ",
          "no-",
          "merged",
          "use ",
          "see ",
          "bad ",
          "collections",
          "old ");

  private static final Pattern BABY =
      Pattern.compile(
          "(?:baby|newborn|infant|unborn)[ -]?(?:boy|girl|male|female|of)?(?:[ -]?[abc12])?"
              + "|baby[ -]?(?:boy|girl|of) .*|(?:boy|girl)(?: [abc12])?");
  private static final Pattern NICKNAME_LEAD =
      Pattern.compile("^(?:aka|a\\.k\\.a\\.?|goes by|prefers|nickname|called) +");

  private static final Set<String> NO_NAMES =
      Set.of(
          "unknown",
          "unk",
          "none",
          "n/a",
          "fnu",
          "lnu",
          "nfn",
          "nln",
          "no name",
          "no first name",
          "no last name",
          "not given",
          "name unknown");
  private static final Set<String> NO_MIDDLES = Set.of("nmn", "nmi", "none", "n/a", "unknown");

  /** Remarks that stand beside a name, in brackets or behind a dash. */
  private static final Set<String> REMARKS =
      Set.of(
          "vip",
          "mom",
          "mother",
          "dad",
          "father",
          "twin",
          "child",
          "minor",
          "new",
          "old",
          "spouse",
          "wife",
          "husband",
          "son",
          "daughter",
          "test",
          "step",
          "foster",
          "interpreter",
          "deaf",
          "spanish",
          "pt",
          "patient",
          "new patient",
          "guarantor",
          "insurance",
          "ins",
          "cash",
          "ortho",
          "hold",
          "self",
          "staff",
          "employee",
          "moved",
          "transferred",
          "guardian",
          "hoh",
          "responsible party",
          "resp party",
          "non patient",
          "male",
          "female",
          "m",
          "f",
          "boy",
          "girl",
          "dead",
          "widow",
          "hipaa",
          "medicaid",
          "medicare");

  private static final Map<String, String> SUFFIXES =
      Map.ofEntries(
          Map.entry("jr", "JR"),
          Map.entry("jnr", "JR"),
          Map.entry("junior", "JR"),
          Map.entry("sr", "SR"),
          Map.entry("snr", "SR"),
          Map.entry("senior", "SR"),
          Map.entry("ii", "II"),
          Map.entry("2nd", "II"),
          Map.entry("iii", "III"),
          Map.entry("3rd", "III"),
          Map.entry("iv", "IV"),
          Map.entry("4th", "IV"),
          Map.entry("v", "V"),
          Map.entry("5th", "V"));
  private static final Map<String, String> PREFIXES =
      Map.of("mr", "Mr", "mrs", "Mrs", "ms", "Ms", "miss", "Miss", "dr", "Dr");
  private static final Set<String> DEGREES = Set.of("dds", "dmd", "phd", "esq", "md");

  private static final Set<String> TEST_WORDS = Set.of("test", "testing", "testpatient");
  private static final Set<String> TEST_NAMES =
      Set.of(
          "demopatient",
          "dummypatient",
          "samplepatient",
          "fakepatient",
          "practicepatient",
          "trainingpatient",
          "mickeymouse",
          "minniemouse",
          "donaldduck",
          "daffyduck",
          "bugsbunny");
  private static final Set<String> COMPANY_WORDS =
      Set.of(
          "inc",
          "llc",
          "llp",
          "pllc",
          "corp",
          "insurance",
          "dental",
          "dentistry",
          "orthodontics",
          "implant",
          "implants",
          "laboratory",
          "laboratories",
          "labs",
          "healthcare",
          "metlife",
          "cigna",
          "aetna",
          "unitedhealthcare",
          "medicaid",
          "medicare");
  private static final Set<String> THINGS = Set.of("pettycash", "walkin", "cash", "dentallab");

  private final Set<QualityFlag> flags;
  private @Nullable String middle;
  private @Nullable String suffix;
  private @Nullable String prefix;
  private @Nullable String nickname;

  private NameCleaner(Set<QualityFlag> flags) {
    this.flags = flags;
  }

  static PersonName clean(SourcePatient source, Set<QualityFlag> flags) {
    return new NameCleaner(flags).name(source);
  }

  private PersonName name(SourcePatient source) {
    String typedFamily = typed("family", source.family());
    String typedGiven = typed("given", source.given());
    int comma = typedFamily == null ? -1 : typedFamily.indexOf(',');
    if (typedFamily != null && typedGiven == null && comma > 0) {
      String afterComma = typedFamily.substring(comma + 1).trim();
      if (!afterComma.isEmpty() && !SUFFIXES.containsKey(Folding.fold(afterComma))) {
        typedGiven = afterComma;
        typedFamily = typedFamily.substring(0, comma);
      }
    }
    suffix = suffixField(typed("suffix", source.suffix()));
    prefix = withoutDots(typed("prefix", source.prefix()));
    middle = middleField(typed("middle", source.middle()));
    flagWhatIsNoPatient(typedFamily, typedGiven);
    String family = familyField(typedFamily);
    String given = givenField(typedGiven);
    String preferred = preferredField(typed("preferred", source.preferred()));
    if (family == null || given == null) {
      flags.add(QualityFlag.NAME_MISSING);
    }
    return new PersonName(
        family, given, middle, suffix, prefix, preferred == null ? nickname : preferred);
  }

  private static @Nullable String typed(String field, @Nullable String raw) {
    String text = SourceText.clean(field, raw);
    return text == null ? null : straightQuotes(text);
  }

  private @Nullable String familyField(@Nullable String typed) {
    if (typed == null) {
      return null;
    }
    String text = withoutNotes(typed, false);
    List<String> tokens = tokens(text, true);
    takePrefix(tokens);
    takeSuffix(tokens, true);
    return isNoName(tokens) ? null : readable(tokens, false);
  }

  private @Nullable String givenField(@Nullable String typed) {
    if (typed == null) {
      return null;
    }
    String text = withoutNotes(typed, true);
    int slash = text.indexOf('/');
    if (slash > 1 && slash < text.length() - 2) {
      keepNickname(text.substring(slash + 1));
      text = text.substring(0, slash);
    }
    List<String> tokens = tokens(text, true);
    takePrefix(tokens);
    takeSuffix(tokens, false);
    int last = tokens.size() - 1;
    if (middle == null
        && last > 0
        && tokens.get(last).length() == 1
        && tokens.get(0).length() > 1
        && Character.isLetter(tokens.get(last).charAt(0))) {
      middle = tokens.remove(last).toUpperCase(Locale.ROOT);
    }
    if (isNoName(tokens) || isBaby(tokens)) {
      return null;
    }
    return readable(tokens, true);
  }

  private @Nullable String middleField(@Nullable String typed) {
    if (typed == null || NO_MIDDLES.contains(typed.toLowerCase(Locale.ROOT))) {
      return null;
    }
    List<String> tokens = tokens(withoutNotes(typed, true), false);
    String only = tokens.size() == 1 ? tokens.get(0) : "";
    String whole = only.length() > 1 ? SUFFIXES.get(only.toLowerCase(Locale.ROOT)) : null;
    if (whole != null) {
      keepSuffix(whole);
      return null;
    }
    takeSuffix(tokens, false);
    return readable(tokens, true);
  }

  private @Nullable String preferredField(@Nullable String typed) {
    if (typed == null) {
      return null;
    }
    String text = typed.replace("\"", "").replace("(", "").replace(")", "");
    List<String> tokens = tokens(withoutNotes(text, false), false);
    return isNoName(tokens) ? null : readable(tokens, true);
  }

  private @Nullable String suffixField(@Nullable String typed) {
    return typed == null ? null : SUFFIXES.get(Folding.fold(typed));
  }

  private static @Nullable String withoutDots(@Nullable String text) {
    if (text == null) {
      return null;
    }
    String plain = text.replace(".", "").trim();
    return plain.isEmpty() ? null : plain;
  }

  // ---- Notes and nicknames ----

  private String withoutNotes(String typed, boolean mayHoldNickname) {
    String text = typed;
    if (text.indexOf('*') >= 0) {
      flags.add(QualityFlag.NAME_HAD_NOTE);
      text = withoutStars(text);
    }
    text = withoutQuoted(text, mayHoldNickname);
    text = withoutBracketed(text, '(', ')', mayHoldNickname);
    text = withoutBracketed(text, '[', ']', mayHoldNickname);
    text = withoutBracketed(text, '{', '}', mayHoldNickname);
    text = withoutRemarkBehindDash(text);
    text = withoutPhrases(text);
    return withoutLeadingZ(text);
  }

  /** {@code *Smith}, {@code **Smith**} and {@code SMITH**DO NOT CALL**} all leave the name. */
  private static String withoutStars(String text) {
    String inner = text;
    if (inner.startsWith("*")) {
      inner = withoutLeading("*", inner);
      int close = inner.indexOf('*');
      String rest = close < 0 ? "" : inner.substring(close).replace("*", " ").trim();
      if (!rest.isEmpty()) {
        return rest;
      }
    }
    int open = inner.indexOf('*');
    if (open < 0) {
      return inner;
    }
    int close = inner.lastIndexOf('*');
    return inner.substring(0, open) + " " + inner.substring(close + 1);
  }

  private String withoutQuoted(String text, boolean mayHoldNickname) {
    String quoted = cutOut(text, text.indexOf('"'), '"', mayHoldNickname);
    int single = quoted.startsWith("'") ? 0 : quoted.indexOf(" '") + 1;
    if (single > 0 || quoted.startsWith("'")) {
      int close = quoted.indexOf('\'', single + 2);
      boolean wordEnds =
          close > 0 && (close == quoted.length() - 1 || quoted.charAt(close + 1) == ' ');
      return wordEnds ? cutOut(quoted, single, '\'', mayHoldNickname) : quoted;
    }
    return quoted;
  }

  private String withoutBracketed(String text, char open, char close, boolean mayHoldNickname) {
    String rest = text;
    for (int at = rest.indexOf(open); at >= 0; at = rest.indexOf(open)) {
      rest = cutOut(rest, at, close, mayHoldNickname);
    }
    return rest.indexOf(close) < 0 ? rest : rest.replace(String.valueOf(close), " ");
  }

  private String cutOut(String text, int open, char close, boolean mayHoldNickname) {
    if (open < 0) {
      return text;
    }
    int end = text.indexOf(close, open + 1);
    String content = end < 0 ? text.substring(open + 1) : text.substring(open + 1, end);
    String before = text.substring(0, open);
    String after = end < 0 ? "" : text.substring(end + 1);
    if (before.isBlank() && after.isBlank()) {
      return content;
    }
    keepAside(content.trim(), mayHoldNickname);
    return before + " " + after;
  }

  private void keepAside(String content, boolean mayHoldNickname) {
    if (content.isEmpty()) {
      return;
    }
    String bracketedSuffix = SUFFIXES.get(Folding.fold(content));
    if (bracketedSuffix != null) {
      keepSuffix(bracketedSuffix);
      return;
    }
    String low = content.toLowerCase(Locale.ROOT);
    boolean remark =
        !mayHoldNickname
            || has(Character::isDigit, content)
            || REMARKS.contains(low)
            || low.startsWith("nee ")
            || NOTE.matcher(content).find()
            || content.chars().filter(c -> c == ' ').count() > 2;
    if (remark) {
      flags.add(QualityFlag.NAME_HAD_NOTE);
    } else {
      keepNickname(content);
    }
  }

  private void keepNickname(String content) {
    Matcher lead = NICKNAME_LEAD.matcher(content.toLowerCase(Locale.ROOT));
    String bare = lead.find() ? content.substring(lead.end()) : content;
    String readable = readable(tokens(bare, false), true);
    if (readable != null) {
      flags.add(QualityFlag.NAME_HAD_NICKNAME);
      nickname = readable;
    }
  }

  /** {@code Smith - minor}; a dash between blanks joins no two names. */
  private String withoutRemarkBehindDash(String text) {
    int dash = text.lastIndexOf(" - ");
    if (dash <= 0) {
      return text;
    }
    String behind = text.substring(dash + 3).trim();
    // A single letter may be an initial.
    if (behind.length() < 2 || !REMARKS.contains(behind.toLowerCase(Locale.ROOT))) {
      return text;
    }
    flags.add(QualityFlag.NAME_HAD_NOTE);
    return text.substring(0, dash);
  }

  private String withoutPhrases(String text) {
    if (text.length() < 3 || !mayHoldPhrase(text)) {
      return text;
    }
    Matcher note = NOTE.matcher(text);
    if (!note.find()) {
      return text;
    }
    flags.add(QualityFlag.NAME_HAD_NOTE);
    if (note.start() > 0) {
      return text.substring(0, note.start());
    }
    // A note in front: what follows is the name, unless it is more of the note.
    String rest = withoutLeading(" ,;:/_-", text.substring(note.end()));
    boolean moreNote = has(Character::isDigit, rest) || (mayHoldPhrase(rest) && hasNote(rest));
    return moreNote ? "" : rest;
  }

  private static boolean hasNote(String text) {
    return NOTE.matcher(text).find();
  }

  private static boolean mayHoldPhrase(String text) {
    boolean inWord = false;
    for (int at = 0; at < text.length(); at++) {
      boolean letter = Character.isLetter(text.charAt(at));
      if (letter && !inWord && startsNote(text, at)) {
        return true;
      }
      inWord = letter;
    }
    return false;
  }

  private static boolean startsNote(String text, int at) {
    for (String start : NOTE_STARTS) {
      if (text.regionMatches(true, at, start, 0, start.length())) {
        return true;
      }
    }
    return false;
  }

  /** A practice files charts it wants out of the way under {@code zz}. */
  private String withoutLeadingZ(String text) {
    if (!text.regionMatches(true, 0, "zz", 0, 2)) {
      return text;
    }
    flags.add(QualityFlag.NAME_HAD_NOTE);
    return withoutLeading(" _.-", withoutLeading("zZ", text));
  }

  private static String withoutLeading(String characters, String text) {
    int from = 0;
    while (from < text.length() && characters.indexOf(text.charAt(from)) >= 0) {
      from++;
    }
    return text.substring(from);
  }

  // ---- Parts of a name ----

  private List<String> tokens(String text, boolean flagDigits) {
    List<String> tokens = new ArrayList<>(3);
    for (int from = 0; from < text.length(); ) {
      int end = from;
      while (end < text.length() && text.charAt(end) != ' ' && text.charAt(end) != ',') {
        end++;
      }
      String token = bare(text.substring(from, end));
      from = end + 1;
      if (token.isEmpty()) {
        continue;
      }
      if (token.equals("&") || has(Character::isLetter, token) || SUFFIXES.containsKey(token)) {
        tokens.add(token);
      } else if (flagDigits && has(Character::isDigit, token)) {
        flags.add(QualityFlag.NAME_HAD_NOTE);
      }
    }
    return tokens;
  }

  /** A word without punctuation at its ends; dots go everywhere, so {@code J.R.} is JR. */
  private static String bare(String word) {
    String plain = word.indexOf('.') < 0 ? word : word.replace(".", "");
    int from = 0;
    int end = plain.length();
    while (from < end && isEdge(plain.charAt(from)) && plain.charAt(from) != '\'') {
      from++;
    }
    while (end > from && isEdge(plain.charAt(end - 1))) {
      end--;
    }
    return plain.substring(from, end);
  }

  private static boolean isEdge(char c) {
    return !Character.isLetterOrDigit(c)
        && c != '&'
        && !Character.isSurrogate(c)
        && Character.getType(c) != Character.NON_SPACING_MARK;
  }

  private void takePrefix(List<String> tokens) {
    if (tokens.size() < 2) {
      return;
    }
    String title = PREFIXES.get(tokens.get(0).toLowerCase(Locale.ROOT));
    if (title != null) {
      tokens.remove(0);
      prefix = prefix == null ? title : prefix;
    }
  }

  /**
   * @param mayBeV a lone V behind a given name is a middle initial, behind a family name the fifth
   */
  private void takeSuffix(List<String> tokens, boolean mayBeV) {
    while (tokens.size() > 1) {
      String last = tokens.get(tokens.size() - 1).toLowerCase(Locale.ROOT);
      String found = SUFFIXES.get(last);
      if (DEGREES.contains(last)) {
        flags.add(QualityFlag.NAME_HAD_NOTE);
      } else if (found != null && (mayBeV || last.length() > 1)) {
        keepSuffix(found);
      } else {
        return;
      }
      tokens.remove(tokens.size() - 1);
    }
  }

  private void keepSuffix(String found) {
    flags.add(QualityFlag.NAME_HAD_SUFFIX);
    suffix = suffix == null ? found : suffix;
  }

  private static boolean isNoName(List<String> tokens) {
    return tokens.isEmpty() || NO_NAMES.contains(String.join(" ", tokens).toLowerCase(Locale.ROOT));
  }

  private static boolean isBaby(List<String> tokens) {
    char first = tokens.get(0).charAt(0);
    return "bBnNiIuUgG".indexOf(first) >= 0
        && BABY.matcher(String.join(" ", tokens).toLowerCase(Locale.ROOT)).matches();
  }

  private void flagWhatIsNoPatient(@Nullable String family, @Nullable String given) {
    List<String> words = new ArrayList<>(4);
    for (String field : Arrays.asList(given, family)) {
      if (field != null) {
        for (String token : tokens(field, false)) {
          words.add(Folding.fold(token));
        }
      }
    }
    boolean test = false;
    boolean company = false;
    for (String word : words) {
      test |= isTestWord(word);
      company |= COMPANY_WORDS.contains(word);
    }
    String joined = String.join("", words);
    String reversed = words.size() == 2 ? words.get(1) + words.get(0) : joined;
    if (test || TEST_NAMES.contains(joined) || TEST_NAMES.contains(reversed)) {
      flags.add(QualityFlag.TEST_PATIENT);
    }
    if (company || THINGS.contains(joined) || THINGS.contains(reversed)) {
      flags.add(QualityFlag.NOT_A_PERSON);
    }
  }

  private static boolean isTestWord(String word) {
    if (!word.startsWith("zz")) {
      return TEST_WORDS.contains(word);
    }
    String behind = withoutLeading("z", word);
    return behind.isEmpty() || TEST_WORDS.contains(behind);
  }

  private static boolean has(IntPredicate kind, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (kind.test(text.charAt(i))) {
        return true;
      }
    }
    return false;
  }

  // ---- Readable case ----

  private static @Nullable String readable(List<String> tokens, boolean mayBeInitials) {
    if (tokens.isEmpty()) {
      return null;
    }
    String text = tokens.size() == 1 ? tokens.get(0) : String.join(" ", tokens);
    if (!has(Character::isLetter, text)) {
      return null;
    }
    boolean upper = !has(Character::isLowerCase, text);
    boolean lower = !has(Character::isUpperCase, text);
    if (!upper && !lower) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    for (int from = 0; from < text.length(); ) {
      int end = from;
      while (end < text.length() && text.charAt(end) != ' ' && text.charAt(end) != '-') {
        end++;
      }
      appendReadable(text.substring(from, end), mayBeInitials, out);
      if (end < text.length()) {
        out.append(text.charAt(end));
      }
      from = end + 1;
    }
    return out.toString();
  }

  private static void appendReadable(String word, boolean mayBeInitials, StringBuilder out) {
    if (word.length() == 2 && mayBeInitials && isInitials(word)) {
      out.append(word.toUpperCase(Locale.ROOT));
      return;
    }
    String low = word.toLowerCase(Locale.ROOT);
    boolean capital = true;
    for (int i = 0; i < low.length(); i++) {
      char c = low.charAt(i);
      out.append(capital ? Character.toUpperCase(c) : c);
      boolean afterMc = i == 1 && low.startsWith("mc") && low.length() > 3;
      boolean afterApostrophe = c == '\'' && low.length() - i > 2;
      capital = afterMc || afterApostrophe;
    }
  }

  /** JD, TJ, AJ; but not Jo, Al or Ty. */
  private static boolean isInitials(String word) {
    String low = word.toLowerCase(Locale.ROOT);
    return low.charAt(1) == 'j'
        || ("aeiouy".indexOf(low.charAt(0)) < 0
            && "aeiouy".indexOf(low.charAt(1)) < 0
            && low.charAt(1) <= 'z');
  }

  private static String straightQuotes(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) > '~' || text.charAt(i) == '`') {
        return text.replace('’', '\'')
            .replace('‘', '\'')
            .replace('ʼ', '\'')
            .replace('ʻ', '\'')
            .replace('´', '\'')
            .replace('`', '\'')
            .replace('“', '"')
            .replace('”', '"')
            .replace('„', '"')
            .replace('‐', '-')
            .replace('‑', '-')
            .replace('–', '-');
      }
    }
    return text;
  }
}
