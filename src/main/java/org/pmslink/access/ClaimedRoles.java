package org.pmslink.access;

import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads out of what a provider claims about somebody what they are here. */
final class ClaimedRoles {
  /** Claims that are one text with words in it (RFC 8693; {@code scp} is Entra's). */
  private static final Set<String> WORDS = Set.of("scope", "scp");

  private final String claim;
  private final List<ClaimedRole> roles;

  /**
   * @param claim its name, or a path with dots into it; {@code realm_access.roles}
   */
  ClaimedRoles(String claim, List<ClaimedRole> roles) {
    this.claim = claim;
    this.roles = roles;
  }

  /** Roles by practice; {@code *} stands for every practice. */
  Map<String, Set<Role>> of(Map<String, Object> claims) {
    Set<String> values = values(claims);
    Map<String, Set<Role>> found = new TreeMap<>();
    for (ClaimedRole role : roles) {
      for (String value : values) {
        role.practiceFor(value)
            .ifPresent(
                practice ->
                    found
                        .computeIfAbsent(practice, p -> EnumSet.noneOf(Role.class))
                        .add(role.role()));
      }
    }
    return found;
  }

  /** A claim with a dot in its name, as some providers want it, comes before a path. */
  private Set<String> values(Map<String, Object> claims) {
    Object value = claims.get(claim);
    if (value == null) {
      Object inner = claims;
      for (String step : claim.split("\\.")) {
        inner = inner instanceof Map<?, ?> map ? map.get(step) : null;
      }
      value = inner;
    }
    return texts(value);
  }

  /** Whole values, but for scopes: a group with a blank in its name is no two groups. */
  private Set<String> texts(@Nullable Object value) {
    if (value instanceof Collection<?> many) {
      return many.stream()
          .filter(String.class::isInstance)
          .map(String.class::cast)
          .collect(Collectors.toSet());
    }
    if (value instanceof String one) {
      return WORDS.contains(claim) ? new HashSet<>(List.of(one.trim().split("\\s+"))) : Set.of(one);
    }
    return Set.of();
  }
}
