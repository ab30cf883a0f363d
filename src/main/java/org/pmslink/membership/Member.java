package org.pmslink.membership;

import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.Person;
import org.pmslink.patient.SourcePatient;

/**
 * A member of the store.
 *
 * @param removed no member any more: removed, or merged into another
 * @param fields what staff see, as typed or as a feed filled it; absent fields are empty
 * @param lockedFields fields that a person has decided; no feed writes them
 * @param person the same, normalised: what matching compares
 */
public record Member(
    long id,
    String memberNumber,
    boolean removed,
    Map<Field, String> fields,
    Set<Field> lockedFields,
    Person person,
    long version) {

  /** The fields of a member; contact fields may follow the PMS. */
  public enum Field {
    FAMILY(false),
    GIVEN(false),
    MIDDLE(false),
    SUFFIX(false),
    PREFERRED(false),
    BIRTH_DATE(false),
    GENDER(false),
    PHONE_HOME(true),
    PHONE_MOBILE(true),
    PHONE_WORK(true),
    EMAIL(true),
    LINE1(true),
    LINE2(true),
    CITY(true),
    STATE(true),
    POSTAL_CODE(true);

    private final boolean contact;

    Field(boolean contact) {
      this.contact = contact;
    }

    /** Whether a feed may write it. */
    public boolean isContact() {
      return contact;
    }

    /** Its column in {@code members}. */
    String column() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public Member {
    fields = Collections.unmodifiableMap(copy(fields));
    lockedFields =
        lockedFields.isEmpty()
            ? Set.of()
            : Collections.unmodifiableSet(EnumSet.copyOf(lockedFields));
  }

  /** The fields of somebody as a person would type them in. */
  static Map<Field, String> fields(SourcePatient typed) {
    Map<Field, String> fields = new EnumMap<>(Field.class);
    put(fields, Field.FAMILY, typed.family());
    put(fields, Field.GIVEN, typed.given());
    put(fields, Field.MIDDLE, typed.middle());
    put(fields, Field.SUFFIX, typed.suffix());
    put(fields, Field.PREFERRED, typed.preferred());
    put(fields, Field.BIRTH_DATE, typed.birthDate());
    put(fields, Field.GENDER, typed.gender());
    if (typed.phones() != null) {
      for (SourcePatient.SourcePhone phone : typed.phones()) {
        put(fields, phoneField(phone.use()), phone.number());
      }
    }
    if (typed.emails() != null && !typed.emails().isEmpty()) {
      put(fields, Field.EMAIL, typed.emails().get(0));
    }
    SourcePatient.SourceAddress address = typed.address();
    if (address != null) {
      put(fields, Field.LINE1, address.line1());
      put(fields, Field.LINE2, address.line2());
      put(fields, Field.CITY, address.city());
      put(fields, Field.STATE, address.state());
      put(fields, Field.POSTAL_CODE, address.postalCode());
    }
    return fields;
  }

  /** The reverse of {@link #fields(SourcePatient)}, for normalising. */
  static SourcePatient typed(String memberNumber, Map<Field, String> fields) {
    return SourcePatient.person(
        memberNumber,
        fields.get(Field.FAMILY),
        fields.get(Field.GIVEN),
        fields.get(Field.MIDDLE),
        fields.get(Field.SUFFIX),
        fields.get(Field.PREFERRED),
        fields.get(Field.BIRTH_DATE),
        fields.get(Field.GENDER),
        null,
        List.of(
            new SourcePatient.SourcePhone("home", fields.get(Field.PHONE_HOME)),
            new SourcePatient.SourcePhone("mobile", fields.get(Field.PHONE_MOBILE)),
            new SourcePatient.SourcePhone("work", fields.get(Field.PHONE_WORK))),
        fields.containsKey(Field.EMAIL) ? List.of(fields.get(Field.EMAIL)) : List.of(),
        new SourcePatient.SourceAddress(
            fields.get(Field.LINE1),
            fields.get(Field.LINE2),
            fields.get(Field.CITY),
            fields.get(Field.STATE),
            fields.get(Field.POSTAL_CODE),
            null),
        null);
  }

  /** What a cleaned person has of contact fields, as it is written into them. */
  public static Map<Field, String> contact(Person person) {
    Map<Field, String> contact = new EnumMap<>(Field.class);
    for (Person.Phone phone : person.phones()) {
      contact.putIfAbsent(
          switch (phone.use()) {
            case HOME -> Field.PHONE_HOME;
            case WORK -> Field.PHONE_WORK;
            case MOBILE -> Field.PHONE_MOBILE;
          },
          phone.e164());
    }
    if (!person.emails().isEmpty()) {
      contact.put(Field.EMAIL, person.emails().get(0));
    }
    Person.PostalAddress address = person.address();
    if (address != null) {
      put(contact, Field.LINE1, address.line1());
      put(contact, Field.LINE2, address.line2());
      put(contact, Field.CITY, address.city());
      put(contact, Field.STATE, address.state());
      put(contact, Field.POSTAL_CODE, address.postalCode());
    }
    return contact;
  }

  private static Field phoneField(@Nullable String use) {
    return switch (use == null ? "" : use.toLowerCase(Locale.ROOT)) {
      case "mobile" -> Field.PHONE_MOBILE;
      case "work" -> Field.PHONE_WORK;
      default -> Field.PHONE_HOME;
    };
  }

  private static void put(Map<Field, String> fields, Field field, @Nullable String value) {
    if (value != null && !value.isBlank()) {
      fields.put(field, value.strip());
    }
  }

  private static Map<Field, String> copy(Map<Field, String> fields) {
    return fields.isEmpty() ? new EnumMap<>(Field.class) : new EnumMap<>(fields);
  }
}
