package org.pmslink.access;

import java.util.Set;

/**
 * Whoever does something in a practice, a person or a program.
 *
 * @param name what the audit and the history of links call them
 * @param rights what they may do there
 */
public record Actor(String name, String practice, Set<Right> rights) {

  /** Whether they have this right. */
  public boolean may(Right right) {
    return rights.contains(right);
  }
}
