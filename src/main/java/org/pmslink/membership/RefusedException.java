package org.pmslink.membership;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;

/** What somebody asked for cannot be done as things are; the message says why, for them. */
public class RefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Refuses something. */
  public RefusedException(String why) {
    super(why);
  }

  /** Some of what was typed cannot be; for pages that show it where it was typed. */
  public static final class Typed extends RefusedException {
    private static final long serialVersionUID = 1L;

    private final EnumSet<Member.Field> fields;

    /** Refuses what was typed into these fields. */
    public Typed(String why, Collection<Member.Field> fields) {
      super(why);
      this.fields = EnumSet.copyOf(fields);
    }

    /** Into which it was typed. */
    public Set<Member.Field> fields() {
      return fields.clone();
    }
  }

  /** What somebody wanted to change is not what they have seen any more. */
  public static final class Changed extends RefusedException {
    private static final long serialVersionUID = 1L;

    Changed(String why) {
      super(why);
    }
  }
}
