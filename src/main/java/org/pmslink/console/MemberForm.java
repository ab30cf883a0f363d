package org.pmslink.console;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.Member;
import org.pmslink.membership.Member.Field;

/**
 * The form in which a member is changed: what stands in it, and what stood in it when it was shown.
 * A form that is refused is shown again with what was typed; without what stood in it before,
 * nobody could tell what somebody has typed from what somebody else has changed meanwhile.
 *
 * @param values what stands in it; fields that are not there are not in the form
 * @param locked fields that no feed is to write
 * @param before what stood in it when it was shown; a form that does not say leaves it out
 * @param lockedBefore likewise
 * @param meanwhile what others have done to fields since then, in words
 * @param refused fields of which something is wrong
 */
record MemberForm(
    Map<Field, String> values,
    Set<Field> locked,
    Map<Field, String> before,
    @Nullable Set<Field> lockedBefore,
    Map<Field, String> meanwhile,
    Set<Field> refused,
    String reason) {
  private static final String LOCK = "lock-";
  private static final String BEFORE = "was-";
  private static final String LOCKED_BEFORE = "were-locked";

  /** As it is shown first. */
  static MemberForm of(Member member) {
    Map<Field, String> fields = all(member);
    return new MemberForm(
        fields, member.lockedFields(), fields, member.lockedFields(), Map.of(), Set.of(), "");
  }

  /** As a browser sends it. */
  static MemberForm sent(Map<String, String> typed, String reason) {
    Map<Field, String> values = new EnumMap<>(Field.class);
    Map<Field, String> before = new EnumMap<>(Field.class);
    Set<Field> locked = EnumSet.noneOf(Field.class);
    Set<Field> lockedBefore = EnumSet.noneOf(Field.class);
    List<String> names = List.of(typed.getOrDefault(LOCKED_BEFORE, "").split(" "));
    for (Field field : Field.values()) {
      String value = typed.get(field.name());
      if (value != null) {
        values.put(field, value);
      }
      String was = typed.get(BEFORE + field.name());
      if (was != null) {
        before.put(field, was);
      }
      if (typed.containsKey(LOCK + field.name()) && field.isContact()) {
        locked.add(field);
      }
      if (names.contains(field.name())) {
        lockedBefore.add(field);
      }
    }
    return new MemberForm(
        values,
        locked,
        before,
        typed.containsKey(LOCKED_BEFORE) ? lockedBefore : null,
        Map.of(),
        Set.of(),
        reason);
  }

  /**
   * What stands in it as the member is kept: a telephone that was left as it was shown is the one
   * that was there, however it is written.
   */
  Map<Field, String> valuesFor(Member member) {
    Map<Field, String> kept = new EnumMap<>(Field.class);
    values.forEach(
        (field, value) -> {
          String had = member.fields().getOrDefault(field, "");
          kept.put(field, value.strip().equals(Shown.value(field, had)) ? had : value);
        });
    return kept;
  }

  /** The same, with fields of which something is wrong. */
  MemberForm refused(Set<Field> fields) {
    return new MemberForm(values, locked, before, lockedBefore, meanwhile, fields, reason);
  }

  /**
   * What somebody has typed, laid over what the member is now. Whoever saves it changes what they
   * have typed and nothing that others have changed meanwhile.
   */
  MemberForm over(Member now) {
    Map<Field, String> laid = all(now);
    Map<Field, String> others = new EnumMap<>(Field.class);
    Set<Field> locks = EnumSet.noneOf(Field.class);
    for (Field field : Field.values()) {
      String present = laid.getOrDefault(field, "");
      String was = before.getOrDefault(field, present).strip();
      String typed = values.getOrDefault(field, was).strip();
      boolean changed = !was.equals(present);
      if (!typed.equals(before.containsKey(field) ? was : present)) {
        laid.put(field, typed);
      }
      if (changed && !typed.equals(present)) {
        others.put(
            field,
            typed.equals(was)
                ? "Changed meanwhile; it was " + orEmpty(was) + "."
                : "Changed meanwhile to " + orEmpty(present) + ".");
      }
      boolean lockTyped = locked.contains(field);
      boolean lockNow = now.lockedFields().contains(field);
      boolean lockWas = lockedBefore == null ? lockNow : lockedBefore.contains(field);
      if (lockTyped == lockWas ? lockNow : lockTyped) {
        locks.add(field);
      }
      if (lockWas != lockNow) {
        others.merge(
            field,
            lockNow ? "Set to be kept meanwhile." : "Set to follow the PMS meanwhile.",
            (a, b) -> a + " " + b);
      }
    }
    return new MemberForm(laid, locks, all(now), now.lockedFields(), others, Set.of(), reason);
  }

  /**
   * Whether a field is a day as browsers send them. One that came otherwise with a file, or was
   * typed where a browser has no field for days, is shown as the text that it is.
   */
  public boolean isDay(Field field) {
    return field == Field.BIRTH_DATE
        && values.getOrDefault(field, "").matches("(\\d{4}-\\d{2}-\\d{2})?");
  }

  private static String orEmpty(String value) {
    return value.isEmpty() ? "empty" : value;
  }

  /** Which fields were locked, as one of its hidden fields says it. */
  public String lockedBeforeAsText() {
    return lockedBefore == null
        ? ""
        : lockedBefore.stream().map(Field::name).collect(Collectors.joining(" "));
  }

  private static Map<Field, String> all(Member member) {
    Map<Field, String> fields = new EnumMap<>(Field.class);
    for (Field field : Field.values()) {
      fields.put(field, Shown.value(field, member.fields().getOrDefault(field, "")));
    }
    return fields;
  }
}
