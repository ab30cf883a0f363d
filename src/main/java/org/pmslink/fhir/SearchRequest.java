package org.pmslink.fhir;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hl7.fhir.r4.model.OperationOutcome.IssueType;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.ChartSearch.Field;
import org.pmslink.membership.ChartSearch.Wanted;

/**
 * What a search for Patients asks for. Everything that is asked must be understood: a parameter
 * that was passed over would find others than those that were meant.
 *
 * @param ids of Patients, or {@code null} when others are searched for
 * @param identifiers of which a Patient must have one, or {@code null}
 */
record SearchRequest(
    @Nullable List<Long> ids,
    @Nullable List<Token> identifiers,
    List<Wanted> wanted,
    int count,
    @Nullable String cursor) {

  static final int USUAL = 20;
  static final int MOST = 100;

  /** Besides those that are fields. */
  static final String ID = "_id";

  static final String IDENTIFIER = "identifier";
  private static final String COUNT = "_count";
  static final String CURSOR = "_cursor";
  static final String TELECOM = "telecom";
  private static final String LAST_UPDATED = "_lastUpdated";

  /** Understood by the server itself. */
  private static final List<String> OF_THE_ANSWER = List.of("_format", "_pretty");

  private static final int LONGEST_VALUE = 200;
  private static final int MOST_VALUES = 20;

  /** What of a chart each parameter means. */
  static final Map<String, Field> FIELDS = fields();

  private static Map<String, Field> fields() {
    Map<String, Field> fields = new LinkedHashMap<>();
    fields.put("family", Field.FAMILY);
    fields.put("given", Field.GIVEN);
    fields.put("name", Field.NAME);
    fields.put("birthdate", Field.BIRTH_DATE);
    fields.put("phone", Field.PHONE);
    fields.put("email", Field.EMAIL);
    fields.put("address-postalcode", Field.POSTAL_CODE);
    fields.put("gender", Field.GENDER);
    fields.put(LAST_UPDATED, Field.UPDATED);
    return fields;
  }

  /**
   * A value and what it is a value of.
   *
   * @param system {@code null} when any will do
   */
  record Token(@Nullable String system, String value) {
    static Token of(String text) {
      int bar = text.indexOf('|');
      return bar < 0
          ? new Token(null, text)
          : new Token(text.substring(0, bar), text.substring(bar + 1));
    }
  }

  static SearchRequest read(Map<String, String[]> parameters) {
    List<Long> ids = null;
    List<Token> identifiers = null;
    List<Wanted> wanted = new ArrayList<>();
    int count = USUAL;
    String cursor = null;
    for (Map.Entry<String, String[]> parameter : parameters.entrySet()) {
      String name = parameter.getKey();
      if (OF_THE_ANSWER.contains(name)) {
        continue;
      }
      int colon = name.indexOf(':');
      String plain = colon < 0 ? name : name.substring(0, colon);
      boolean exactly = colon >= 0;
      Field field = FIELDS.get(plain);
      if (exactly && !(name.endsWith(":exact") && field != null && isString(field))) {
        throw fault(shown(name), "there is no such parameter, or it does not take this modifier");
      }
      for (String value : parameter.getValue()) {
        if (value.length() > LONGEST_VALUE) {
          if (!plain.equals(CURSOR)) {
            throw fault(plain, "has more than " + LONGEST_VALUE + " characters");
          }
        }
        switch (plain) {
          case ID -> ids = both(ids, ids(value));
          case IDENTIFIER -> {
            if (identifiers != null) {
              throw fault(plain, "may be given once");
            }
            identifiers = values(plain, value).stream().map(Token::of).toList();
          }
          case COUNT -> count = count(value);
          case CURSOR -> cursor = value;
          case TELECOM -> wanted.add(telecom(value));
          default -> {
            if (field == null) {
              throw fault(shown(name), "there is no such parameter");
            }
            wanted.add(wanted(plain, field, exactly, values(plain, value)));
          }
        }
      }
    }
    if (cursor != null && (ids != null || identifiers != null || !wanted.isEmpty())) {
      throw fault(CURSOR, "goes with no other parameter but _count");
    }
    if (cursor == null
        && ids == null
        && identifiers == null
        && wanted.stream().noneMatch(Wanted::narrows)) {
      throw new FhirFault(
          422,
          IssueType.REQUIRED,
          "too little to search by: give _id, identifier, family, given, name, a birthdate, phone,"
              + " email, telecom, address-postalcode or _lastUpdated");
    }
    return new SearchRequest(ids, identifiers, List.copyOf(wanted), count, cursor);
  }

  private static boolean isString(Field field) {
    return field == Field.FAMILY
        || field == Field.GIVEN
        || field == Field.NAME
        || field == Field.POSTAL_CODE;
  }

  /** Values that a comma stands between, of which one must be there. */
  private static List<String> values(String name, String text) {
    List<String> values = new ArrayList<>();
    for (String value : text.split("(?<!\\\\),")) {
      String plain = value.replaceAll("\\\\([,|$\\\\])", "$1").strip();
      if (!plain.isEmpty()) {
        values.add(plain);
      }
    }
    if (values.isEmpty() || values.size() > MOST_VALUES) {
      throw fault(name, "must have a value, and " + MOST_VALUES + " at most");
    }
    return values;
  }

  private static Wanted wanted(String name, Field field, boolean exactly, List<String> values) {
    List<String> plain =
        field == Field.UPDATED
            // A plus sign that was not encoded in an address is a blank by now.
            ? values.stream().map(v -> v.replace(' ', '+')).toList()
            : field == Field.PHONE || field == Field.EMAIL || field == Field.GENDER
                ? values.stream().map(v -> Token.of(v).value()).toList()
                : values;
    Wanted wanted = new Wanted(field, exactly, plain);
    Optional<String> problem = wanted.problem();
    if (problem.isPresent()) {
      throw fault(name, problem.get());
    }
    return wanted;
  }

  /** A telephone or an e-mail address, whichever it looks like. */
  private static Wanted telecom(String text) {
    List<Token> tokens = values(TELECOM, text).stream().map(Token::of).toList();
    boolean emails = tokens.stream().allMatch(t -> t.value().contains("@"));
    boolean phones = tokens.stream().noneMatch(t -> t.value().contains("@"));
    if (!emails && !phones) {
      throw fault(TELECOM, "must be telephones or e-mail addresses, not both");
    }
    for (Token token : tokens) {
      String system = token.system();
      if (system != null
          && !system.isEmpty()
          && !(emails ? system.equals("email") : system.equals("phone") || system.equals("sms"))) {
        throw fault(TELECOM, "must be of the system phone or email, and look like it");
      }
    }
    return wanted(
        TELECOM,
        emails ? Field.EMAIL : Field.PHONE,
        false,
        tokens.stream().map(Token::value).toList());
  }

  private static List<Long> ids(String text) {
    List<Long> ids = new ArrayList<>();
    for (String value : values(ID, text)) {
      String id = value.startsWith("Patient/") ? value.substring("Patient/".length()) : value;
      // An id that we give nobody is nobody's.
      if (id.matches("\\d{1,18}")) {
        ids.add(Long.parseLong(id));
      }
    }
    return ids;
  }

  private static List<Long> both(@Nullable List<Long> before, List<Long> ids) {
    return before == null ? ids : before.stream().filter(ids::contains).toList();
  }

  private static int count(String text) {
    if (!text.matches("\\d{1,9}") || Integer.parseInt(text) < 1) {
      throw fault(COUNT, "must be a whole number of 1 or more");
    }
    return Math.min(Integer.parseInt(text), MOST);
  }

  private static String shown(String name) {
    return name.matches("[A-Za-z_:-]{1,40}") ? name : "a parameter";
  }

  private static FhirFault fault(String name, String problem) {
    return new FhirFault(400, IssueType.INVALID, name + ": " + problem);
  }
}
