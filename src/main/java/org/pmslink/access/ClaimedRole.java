package org.pmslink.access;

import java.util.Optional;

/**
 * What a value in a provider's claim stands for here.
 *
 * @param value of the claim, for example a group; with {@code {practice}} in it, of every practice
 *     its own
 * @param role what whoever has it is
 * @param practice where; {@code *} for every practice, {@code {practice}} for the one in the value
 */
record ClaimedRole(String value, Role role, String practice) {
  static final String EVERYWHERE = "*";
  private static final String ITS_OWN = "{practice}";

  ClaimedRole {
    if (value == null || value.isBlank()) {
      throw new IllegalArgumentException("roles: \"value\" is missing: what the claim holds");
    }
    if (role == null) {
      throw new IllegalArgumentException("roles: \"role\" is missing for " + value);
    }
    if (practice == null || practice.isBlank()) {
      throw new IllegalArgumentException(
          "roles: \"practice\" is missing for " + value + "; write \"*\" for every practice");
    }
    if (value.contains(ITS_OWN) != practice.equals(ITS_OWN)) {
      throw new IllegalArgumentException(
          "roles: " + value + " with practice " + practice + "; {practice} stands in both or none");
    }
  }

  /** In which practice somebody with this value has the role, if in any. */
  Optional<String> practiceFor(String held) {
    int at = value.indexOf(ITS_OWN);
    if (at < 0) {
      return held.equals(value) ? Optional.of(practice) : Optional.empty();
    }
    String before = value.substring(0, at);
    String after = value.substring(at + ITS_OWN.length());
    if (held.length() <= before.length() + after.length()
        || !held.startsWith(before)
        || !held.endsWith(after)) {
      return Optional.empty();
    }
    String named = held.substring(before.length(), held.length() - after.length());
    // Every practice is for us to give, and not for whoever may name a group.
    return named.equals(EVERYWHERE) ? Optional.empty() : Optional.of(named);
  }
}
