package org.pmslink.access;

import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** What a person or a program is in a practice, and what follows from it. */
public enum Role {
  /** Adds members and links them where there is little doubt. */
  FRONT_DESK(Right.SEE_PATIENTS, Right.ASK_PMS, Right.CHANGE_MEMBERS, Right.LINK),
  /** Decides what the front desk may not. */
  MANAGER(
      Right.SEE_PATIENTS,
      Right.ASK_PMS,
      Right.CHANGE_MEMBERS,
      Right.LINK,
      Right.RELINK,
      Right.CHANGE_PLANS,
      Right.SEE_FEEDS),
  /** Solves dead letters; sees patient data only by revealing a letter with a reason. */
  SUPPORT(Right.SEE_LETTERS, Right.REVEAL_LETTERS, Right.CHANGE_LETTERS, Right.SEE_FEEDS),
  /** Runs feeds and mappings; sees no patient data. */
  IT(Right.SEE_FEEDS, Right.CHANGE_FEEDS, Right.SEE_LETTERS),
  /** Reads who did what. */
  AUDITOR(Right.SEE_AUDIT),
  /** A program that brings and finds patients; no person is one. */
  MACHINE(Right.SEE_PATIENTS, Right.CHANGE_MEMBERS, Right.LINK, Right.SEND_RECORDS);

  /** The roles that a person can have. */
  public static final Set<Role> OF_PEOPLE =
      Collections.unmodifiableSet(EnumSet.complementOf(EnumSet.of(MACHINE)));

  @SuppressWarnings("ImmutableEnumChecker") // unmodifiable, and what is in it is an enum
  private final Set<Right> rights;

  Role(Right... more) {
    rights = Collections.unmodifiableSet(EnumSet.of(Right.BE_THERE, more));
  }

  /** What whoever has this role may do. */
  public Set<Right> rights() {
    return rights;
  }

  /** As it is typed and shown: {@code front-desk}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * @throws IllegalArgumentException naming the roles that there are
   */
  public static Role of(String label) {
    for (Role role : values()) {
      if (role.label().equals(label)) {
        return role;
      }
    }
    throw new IllegalArgumentException(
        "there is no role "
            + label
            + "; roles: "
            + Arrays.stream(values()).map(Role::label).collect(Collectors.joining(", ")));
  }
}
