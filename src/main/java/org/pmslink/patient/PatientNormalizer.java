package org.pmslink.patient;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.PatientRecord.Consent;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.PatientRecord.QualityFlag;
import org.pmslink.patient.Person.Gender;
import org.pmslink.patient.Person.PersonName;
import org.pmslink.patient.Person.PostalAddress;

/**
 * Cleans what a mapping wrote into the canonical record. Stateless and thread-safe.
 *
 * <p>Dirt is repaired or dropped, and flagged; it is no reason to refuse a record. Refused are only
 * a record without an id, one whose ids cannot be kept as they are, and one with an absurd amount
 * of text, which is a fault of the mapping.
 */
public final class PatientNormalizer {
  private static final int MAX_ENTRIES = 100;
  private static final int MAX_AGE_IN_YEARS = 120;

  private static final Map<String, PatientStatus> STATUSES =
      Stream.of(PatientStatus.values()).collect(Collectors.toMap(Enum::name, Function.identity()));

  private static final Set<String> FAMOUS_SSNS =
      Set.of("123456789", "987654321", "078051120", "219099999", "012345678");
  private static final Set<String> SSN_REMARKS =
      Set.of("none", "na", "refused", "declined", "unknown", "notgiven", "no", "foreign");

  private final UnaryOperator<String> ssnHash;
  private final Clock clock;

  /**
   * @param ssnHash keyed hash from nine digits to text; only its result is kept
   */
  public PatientNormalizer(UnaryOperator<String> ssnHash) {
    this(ssnHash, Clock.systemUTC());
  }

  PatientNormalizer(UnaryOperator<String> ssnHash, Clock clock) {
    this.ssnHash = ssnHash;
    this.clock = clock;
  }

  /**
   * @param zone the office's zone, for local date-times
   * @throws InvalidRecordException when there is no source id, an id that {@link SourceText#id}
   *     refuses, or a field of more than 10,000 characters
   */
  public PatientRecord normalize(SourcePatient source, ZoneId zone) {
    String sourceId = SourceText.id("sourceId", source.sourceId());
    if (sourceId == null) {
      throw new InvalidRecordException("sourceId", "missing");
    }
    Set<QualityFlag> flags = EnumSet.noneOf(QualityFlag.class);
    Person person = person(source, LocalDate.now(clock.withZone(zone)), flags);
    PatientRecord record =
        new PatientRecord(
            sourceId,
            SourceText.clean("chartNumber", source.chartNumber()),
            status(SourceText.clean("status", source.status()), flags),
            SourceText.id("mergedInto", source.mergedInto()),
            person,
            date("deceasedAt", source.deceasedAt(), flags),
            SourceText.clean("language", source.language()),
            consent("consentSms", source.consentSms()),
            consent("consentEmail", source.consentEmail()),
            consent("consentCall", source.consentCall()),
            Boolean.TRUE.equals(source.child()),
            SourceText.id("clinic", source.clinic()),
            SourceText.id("provider", source.provider()),
            date("firstVisit", source.firstVisit(), flags),
            date("createdAt", source.createdAt(), flags),
            instant(SourceText.clean("modifiedAt", source.modifiedAt()), zone, flags),
            sorted(flags),
            "");
    return withHash(record);
  }

  /**
   * The person alone, for records that are no chart, such as members of the store. What was wrong
   * with them is dropped in the same way, without a flag.
   *
   * @throws InvalidRecordException when a field has more than 10,000 characters
   */
  public Person person(SourcePatient source) {
    return person(
        source, LocalDate.now(clock.withZone(ZoneOffset.UTC)), EnumSet.noneOf(QualityFlag.class));
  }

  private Person person(SourcePatient source, LocalDate today, Set<QualityFlag> flags) {
    PersonName name = NameCleaner.clean(source, flags);
    LocalDate birthDate =
        birthDate(SourceText.clean("birthDate", source.birthDate()), today, flags);
    Gender gender = gender(SourceText.clean("gender", source.gender()), flags);
    Ssn ssn = ssn(SourceText.clean("ssn", source.ssn()), flags);
    PostalAddress address =
        source.address() == null ? null : AddressCleaner.clean(source.address());
    return new Person(
        name,
        birthDate,
        gender,
        ssn.hash,
        ssn.last4,
        PhoneCleaner.clean(entries("phones", source.phones()), flags),
        EmailCleaner.clean(entries("emails", source.emails()), flags),
        address,
        SourceText.id("guarantor", source.guarantor()));
  }

  private static <T> List<T> entries(String field, @Nullable List<T> entries) {
    if (entries == null) {
      return List.of();
    }
    if (entries.size() > MAX_ENTRIES) {
      throw new InvalidRecordException(field, "more than " + MAX_ENTRIES + " entries");
    }
    // A mapping's JSON may hold nulls that the type does not show.
    return entries.stream().filter(Objects::nonNull).toList();
  }

  private static PatientStatus status(@Nullable String text, Set<QualityFlag> flags) {
    PatientStatus status =
        text == null
            ? null
            : STATUSES.get(text.toUpperCase(Locale.ROOT).replace('-', '_').replace(' ', '_'));
    if (status == null) {
      flags.add(QualityFlag.STATUS_UNKNOWN);
      return PatientStatus.UNKNOWN;
    }
    return status;
  }

  private static Gender gender(@Nullable String text, Set<QualityFlag> flags) {
    if (text == null) {
      return Gender.UNKNOWN;
    }
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "male", "m" -> Gender.MALE;
      case "female", "f" -> Gender.FEMALE;
      case "other", "o" -> Gender.OTHER;
      case "unknown", "u" -> Gender.UNKNOWN;
      default -> {
        flags.add(QualityFlag.GENDER_UNKNOWN_CODE);
        yield Gender.UNKNOWN;
      }
    };
  }

  private static Consent consent(String field, @Nullable String raw) {
    String text = SourceText.clean(field, raw);
    if (text == null) {
      return Consent.UNKNOWN;
    }
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "yes" -> Consent.YES;
      case "no" -> Consent.NO;
      default -> Consent.UNKNOWN;
    };
  }

  // ---- Dates ----

  private static @Nullable LocalDate birthDate(
      @Nullable String text, LocalDate today, Set<QualityFlag> flags) {
    if (text == null) {
      flags.add(QualityFlag.BIRTH_DATE_MISSING);
      return null;
    }
    int ymd = SourceTime.yearMonthDay(text);
    if (ymd < 0) {
      flags.add(QualityFlag.DATE_UNREADABLE);
      return null;
    }
    if (SourceTime.isFiller(ymd)) {
      flags.add(QualityFlag.BIRTH_DATE_FILLER);
      return null;
    }
    LocalDate date = SourceTime.calendarDate(ymd);
    if (date == null
        || date.isAfter(today)
        || date.isBefore(today.minusYears(MAX_AGE_IN_YEARS + 1L).plusDays(1))) {
      flags.add(QualityFlag.BIRTH_DATE_IMPOSSIBLE);
      return null;
    }
    return date;
  }

  private static @Nullable LocalDate date(
      String field, @Nullable String raw, Set<QualityFlag> flags) {
    String text = SourceText.clean(field, raw);
    if (text == null) {
      return null;
    }
    try {
      return SourceTime.date(text);
    } catch (DateTimeException unreadable) {
      flags.add(QualityFlag.DATE_UNREADABLE);
      return null;
    }
  }

  private static @Nullable Instant instant(
      @Nullable String text, ZoneId zone, Set<QualityFlag> flags) {
    try {
      return text == null ? null : SourceTime.instant(text, zone);
    } catch (DateTimeException unreadable) {
      flags.add(QualityFlag.DATE_UNREADABLE);
      return null;
    }
  }

  // ---- Social security number ----

  private record Ssn(@Nullable String hash, @Nullable String last4) {
    static final Ssn NONE = new Ssn(null, null);
  }

  private Ssn ssn(@Nullable String text, Set<QualityFlag> flags) {
    if (text == null) {
      return Ssn.NONE;
    }
    StringBuilder digits = new StringBuilder(9);
    int masked = 0;
    boolean foreign = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= '0' && c <= '9') {
        digits.append(c);
      } else if (c == 'X' || c == 'x' || c == '*' || c == '#' || c == '•') {
        masked++;
      } else if (c != '-' && c != ' ' && c != '.' && c != '_' && c != '–') {
        foreign = true;
      }
    }
    if (digits.isEmpty()) {
      boolean remark = masked > 0 || !foreign || SSN_REMARKS.contains(Folding.fold(text));
      flags.add(remark ? QualityFlag.SSN_FILLER : QualityFlag.SSN_UNREADABLE);
      return Ssn.NONE;
    }
    if (!foreign && digits.length() == 4) {
      return lastFour(digits.toString(), flags);
    }
    if (foreign || masked > 0 || digits.length() != 9) {
      flags.add(QualityFlag.SSN_UNREADABLE);
      return Ssn.NONE;
    }
    String nine = digits.toString();
    if (isSsnFiller(nine)) {
      flags.add(QualityFlag.SSN_FILLER);
      return Ssn.NONE;
    }
    return new Ssn(ssnHash.apply(nine), nine.substring(5));
  }

  private static Ssn lastFour(String four, Set<QualityFlag> flags) {
    if (four.equals("0000") || four.equals("9999")) {
      flags.add(QualityFlag.SSN_FILLER);
      return Ssn.NONE;
    }
    return new Ssn(null, four);
  }

  /** Numbers that were never given to anyone, and the ones from forms and advertisements. */
  private static boolean isSsnFiller(String nine) {
    return nine.startsWith("000")
        || nine.startsWith("666")
        || nine.startsWith("00", 3)
        || nine.endsWith("0000")
        || nine.chars().allMatch(c -> c == nine.charAt(0))
        || FAMOUS_SSNS.contains(nine);
  }

  // ---- Content hash ----

  private static PatientRecord withHash(PatientRecord r) {
    return new PatientRecord(
        r.sourceId(),
        r.chartNumber(),
        r.status(),
        r.mergedIntoSourceId(),
        r.person(),
        r.deceasedAt(),
        r.language(),
        r.consentSms(),
        r.consentEmail(),
        r.consentCall(),
        r.child(),
        r.clinicId(),
        r.providerId(),
        r.firstVisit(),
        r.sourceCreatedAt(),
        r.sourceModifiedAt(),
        r.qualityFlags(),
        contentHash(r));
  }

  /**
   * Every value is written with its length in front, so that no two records write the same text.
   * Telephones are sorted: a PMS returns them in any order.
   */
  private static String contentHash(PatientRecord r) {
    StringBuilder out = new StringBuilder(512);
    Person person = r.person();
    PersonName name = person.name();
    PostalAddress address = person.address();
    append(out, r.sourceId());
    append(out, r.chartNumber());
    append(out, r.status());
    append(out, r.mergedIntoSourceId());
    append(out, name.family());
    append(out, name.given());
    append(out, name.middle());
    append(out, name.suffix());
    append(out, name.prefix());
    append(out, name.preferred());
    append(out, person.birthDate());
    append(out, person.gender());
    append(out, person.ssnHash());
    append(out, person.ssnLast4());
    appendAll(out, person.phones().stream().map(p -> p.use() + p.e164()).sorted().toList());
    appendAll(out, person.emails());
    append(out, address == null ? null : address.line1());
    append(out, address == null ? null : address.line2());
    append(out, address == null ? null : address.city());
    append(out, address == null ? null : address.state());
    append(out, address == null ? null : address.postalCode());
    append(out, person.guarantorId());
    append(out, r.deceasedAt());
    append(out, r.language());
    append(out, r.consentSms());
    append(out, r.consentEmail());
    append(out, r.consentCall());
    append(out, r.child());
    append(out, r.clinicId());
    append(out, r.providerId());
    append(out, r.firstVisit());
    append(out, r.sourceCreatedAt());
    appendAll(out, r.qualityFlags());
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      byte[] text = out.toString().getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(sha256.digest(text));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  private static void append(StringBuilder out, @Nullable Object value) {
    if (value == null) {
      out.append('-');
      return;
    }
    String text = value.toString();
    out.append(text.length()).append(':').append(text);
  }

  private static void appendAll(StringBuilder out, Collection<?> values) {
    out.append('[').append(values.size()).append(']');
    for (Object value : values) {
      append(out, value);
    }
  }

  private static SortedSet<QualityFlag> sorted(Set<QualityFlag> flags) {
    return Collections.unmodifiableSortedSet(new TreeSet<>(flags));
  }
}
