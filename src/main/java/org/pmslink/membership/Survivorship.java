package org.pmslink.membership;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.Member.Field;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.Person.PostalAddress;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Which side's value survives when a member is linked to a chart, field by field. Contact fields
 * only: who somebody is stays what the office typed. An empty field of the chart never empties the
 * member's, and a locked field is never written.
 *
 * @param fields policy by field; a contact field that is not named follows the PMS
 */
@ConfigurationProperties("pmslink.survivorship")
public record Survivorship(@Nullable Map<Field, Policy> fields) {
  private static final Set<Field> ADDRESS =
      EnumSet.of(Field.LINE1, Field.LINE2, Field.CITY, Field.STATE, Field.POSTAL_CODE);

  public Survivorship {
    if (fields != null) {
      for (Field field : fields.keySet()) {
        if (!field.isContact()) {
          throw new IllegalArgumentException(
              "pmslink.survivorship.fields."
                  + field.column()
                  + ": only contact fields can follow the PMS; remove it");
        }
      }
    }
  }

  /** Whose value survives. */
  public enum Policy {
    PMS_WINS,
    MEMBER_WINS,
    ONLY_IF_EMPTY
  }

  /** The fields that change, with their new values. */
  Map<Field, String> changes(Member member, PatientRecord chart) {
    Map<Field, String> changes = new EnumMap<>(Field.class);
    PostalAddress typed = member.person().address();
    // Charts have theirs as USPS writes it, in capitals: what staff typed stays while it means the
    // same. As a whole, for the same words may stand in other lines.
    boolean sameAddress = typed != null && typed.equals(chart.person().address());
    Member.contact(chart.person())
        .forEach(
            (field, value) -> {
              if (!value.equals(member.fields().get(field))
                  && !(sameAddress && ADDRESS.contains(field))
                  && mayWrite(member, field)) {
                changes.put(field, value);
              }
            });
    return changes;
  }

  /**
   * Contact fields in which a chart says otherwise than somebody has typed, and would be written
   * over that: by what is meant, not by how it is written. An address differs as a whole: one's
   * street in another's town is nobody's.
   *
   * @param corrected whether what the chart says was there when it was typed: what is empty then
   *     says otherwise, too
   */
  Set<Field> differing(Member member, PatientRecord chart, boolean corrected) {
    Map<Field, String> typed = Member.contact(member.person());
    Set<Field> differing = EnumSet.noneOf(Field.class);
    Member.contact(chart.person())
        .forEach(
            (field, value) -> {
              String own = typed.get(field);
              // What cannot be read, as a foreign telephone, was typed for all that.
              if (!ADDRESS.contains(field)
                  && (own == null
                      ? corrected || member.fields().containsKey(field)
                      : !own.equals(value))) {
                differing.add(field);
              }
            });
    PostalAddress theirs = chart.person().address();
    if (theirs != null && isAnother(member, theirs, corrected)) {
      differing.addAll(ADDRESS);
    }
    differing.removeIf(field -> !mayWrite(member, field));
    return differing;
  }

  private static boolean isAnother(Member member, PostalAddress theirs, boolean corrected) {
    PostalAddress own = member.person().address();
    if (own == null) {
      return corrected || ADDRESS.stream().anyMatch(member.fields()::containsKey);
    }
    return differs(own.line1(), theirs.line1(), corrected)
        || differs(own.line2(), theirs.line2(), corrected || own.line1() != null)
        || differs(own.city(), theirs.city(), corrected)
        || differs(own.state(), theirs.state(), corrected)
        || differs(own.postalCode(), theirs.postalCode(), corrected);
  }

  private static boolean differs(@Nullable String own, @Nullable String theirs, boolean whole) {
    return theirs != null && (own == null ? whole : !own.equals(theirs));
  }

  private boolean mayWrite(Member member, Field field) {
    if (member.lockedFields().contains(field)) {
      return false;
    }
    return switch (fields == null ? Policy.PMS_WINS : fields.getOrDefault(field, Policy.PMS_WINS)) {
      case PMS_WINS -> true;
      case MEMBER_WINS -> false;
      case ONLY_IF_EMPTY -> !member.fields().containsKey(field);
    };
  }
}
