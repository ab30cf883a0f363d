package org.pmslink.membership;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.pmslink.activity.ActivityRecord;
import org.pmslink.activity.ActivityRecord.TransactionKind;
import org.pmslink.activity.ActivityRecord.VisitStatus;
import org.pmslink.matching.Comparison;
import org.pmslink.matching.Comparison.Evidence;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Facts;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.PatientRecord.Consent;
import org.pmslink.patient.PatientRecord.PatientStatus;
import org.pmslink.patient.PatientRecord.QualityFlag;
import org.pmslink.patient.Person;
import org.pmslink.patient.Person.Gender;
import org.pmslink.patient.Person.PersonName;
import org.pmslink.patient.Person.Phone;
import org.pmslink.patient.Person.PhoneUse;
import org.pmslink.patient.Person.PostalAddress;
import org.pmslink.patient.RecordJson;
import org.pmslink.progress.Runs.EntryOutcome;
import org.pmslink.progress.Runs.EntryResult;

/** The published form of the commands says what the engine sends, no more and no less. */
class CommandSchemaTest {
  private static final JsonNode SCHEMA_FILE = schemaFile();
  private static final JsonSchema SCHEMA =
      JsonSchemaFactory.getInstance(VersionFlag.V202012).getSchema(SCHEMA_FILE);

  private static final Comparison COMPARISON =
      new Comparison(Grade.CERTAIN, 21.5, -18, List.of(new Evidence("given", "nickname", 5)));

  private static final String RULES = "0123456789abcdef";

  private static final Command.Ground GROUND =
      new Command.Ground(
          fullRecord().person(),
          minimalRecord().person(),
          new Facts(Map.of("given frank", 0.001, "PHONE +16145550123", 2.0)));

  private static JsonNode schemaFile() {
    try {
      return RecordJson.mapper().readTree(Files.readString(Path.of("docs/commands.schema.json")));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static PatientRecord fullRecord() {
    return new PatientRecord(
        "17",
        "00412",
        PatientStatus.ACTIVE,
        "18",
        new Person(
            new PersonName("Louton", "Frank", "T", "JR", "Mr.", "Frankie"),
            LocalDate.of(1990, 2, 8),
            Gender.MALE,
            "q83vEjRWeJCrze8SNFZ4kA",
            "0142",
            List.of(new Phone(PhoneUse.MOBILE, "+16145550123")),
            List.of("frank@mail.example"),
            new PostalAddress("77 N HIGH ST", "APT 4B", "COLUMBUS", "OH", "43215"),
            "16"),
        LocalDate.of(2025, 10, 14),
        "eng",
        Consent.YES,
        Consent.NO,
        Consent.UNKNOWN,
        false,
        "1",
        "2",
        LocalDate.of(2015, 3, 2),
        LocalDate.of(2015, 2, 20),
        Instant.parse("2026-01-05T10:15:00Z"),
        new TreeSet<>(Set.of(QualityFlag.NAME_HAD_SUFFIX)),
        "0123456789abcdef".repeat(4));
  }

  private static PatientRecord minimalRecord() {
    return new PatientRecord(
        "17",
        null,
        PatientStatus.UNKNOWN,
        null,
        new Person(
            new PersonName(null, null, null, null, null, null),
            null,
            Gender.UNKNOWN,
            null,
            null,
            List.of(),
            List.of(),
            null,
            null),
        null,
        null,
        Consent.UNKNOWN,
        Consent.UNKNOWN,
        Consent.UNKNOWN,
        true,
        null,
        null,
        null,
        null,
        null,
        new TreeSet<>(),
        "0".repeat(64));
  }

  private static CommandBatch batch(Command command) {
    return new CommandBatch(
        CommandBatch.SCHEMA,
        "bright-smiles",
        "open-dental",
        "bright-smiles",
        3L,
        2,
        ".0.1",
        1,
        4,
        1,
        0,
        0,
        7L,
        Instant.parse("2026-01-05T10:15:00Z"),
        List.of(command),
        List.of(new CommandBatch.MatchedMember("M-1", 2)),
        List.of(
            new EntryOutcome("PATIENTS", 1, "17", EntryResult.STORED, null, null),
            new EntryOutcome(
                "PATIENTS", 2, null, EntryResult.DEAD_LETTER, "INVALID_RECORD", "no id")));
  }

  static Stream<Command> commands() {
    return Stream.of(
        new Command.Update(
            "17",
            5,
            -9,
            fullRecord(),
            List.of(Long.MIN_VALUE, Long.MAX_VALUE),
            new Command.Parting("18", 7)),
        new Command.Update("17", 5, -9, minimalRecord(), List.of(), null),
        new Command.Link(
            "17", 5, "M-1", 2, RULES, COMPARISON, GROUND, new Command.RunnerUp("M-2", 9.5)),
        new Command.Link("17", 5, "M-1", 2, RULES, COMPARISON, GROUND, null),
        new Command.Review(
            "17",
            5,
            "NOT_CERTAIN",
            RULES,
            List.of(new Command.ReviewCandidate("M-1", COMPARISON, GROUND))),
        new Command.Review("17", 5, "TOO_MANY_CANDIDATES", RULES, List.of()),
        new Command.NoMatch("17", 5, "NO_CANDIDATE", RULES),
        new Command.Unlink("17", 5, "M-1", "rule", "MEMBER_REMOVED"),
        new Command.Unlink("17", 5, null, "rule", "MEMBER_REMOVED"),
        new Command.Merge("17", 5, "16", null, true),
        new Command.Merge("17", 5, "16", Instant.parse("2026-01-05T10:15:00Z"), false),
        new Command.Delete("17", 5),
        activity(
            "VISITS",
            new ActivityRecord.Visit(
                "9",
                "17",
                LocalDate.of(2026, 1, 5),
                Instant.parse("2026-01-05T15:00:00Z"),
                Instant.parse("2026-01-05T16:00:00Z"),
                VisitStatus.COMPLETED,
                "8",
                "2",
                "1",
                List.of("D0120"),
                Instant.parse("2026-01-05T17:00:00Z"))),
        activity(
            "TRANSACTIONS/payments",
            new ActivityRecord.Transaction(
                "9",
                "17",
                null,
                LocalDate.of(2026, 1, 5),
                TransactionKind.REFUND,
                -12_345,
                null,
                true,
                null,
                null,
                null)),
        activity(
            "PROVIDERS",
            new ActivityRecord.Provider("2", "DOC", "Adams", "Ada", "DDS", null, true, null)),
        activity("CLINICS", new ActivityRecord.Clinic("1", "Downtown", null, false, null)),
        new Command.Remove("VISITS", "9", 6));
  }

  private static Command activity(String stream, ActivityRecord record) {
    return new Command.Activity(stream, record.sourceId(), 5, -9, Long.MAX_VALUE, record);
  }

  private static ObjectNode json(CommandBatch batch) throws IOException {
    return (ObjectNode) RecordJson.mapper().readTree(batch.toJson());
  }

  private static Set<String> complaints(JsonNode message) {
    return SCHEMA.validate(message).stream()
        .map(ValidationMessage::getMessage)
        .collect(Collectors.toSet());
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandIsAsThePublishedFormSays(Command command) throws IOException {
    assertThat(complaints(json(batch(command)))).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandIsReadAsItWasWritten(Command command) throws IOException {
    CommandBatch batch = batch(command);

    assertThat(RecordJson.mapper().readValue(batch.toJson(), CommandBatch.class)).isEqualTo(batch);
  }

  @Test
  void batchWithNothingToDoIsValid() throws IOException {
    CommandBatch empty =
        new CommandBatch(
            CommandBatch.SCHEMA,
            "bright-smiles",
            "open-dental",
            "sweep",
            null,
            0,
            "",
            0,
            0,
            0,
            0,
            0,
            null,
            Instant.parse("2026-01-05T10:15:00Z"),
            List.of(),
            List.of());

    assertThat(complaints(json(empty))).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyObjectRefusesAnUnknownField(Command command) throws IOException {
    int objects = objects(json(batch(command))).size();
    for (int i = 0; i < objects; i++) {
      ObjectNode message = json(batch(command));
      objects(message).get(i).put("surprise", 1);
      assertThat(complaints(message)).as("object %d of %s", i, command).isNotEmpty();
    }
  }

  private static List<ObjectNode> objects(JsonNode node) {
    List<ObjectNode> objects = new ArrayList<>();
    if (node instanceof ObjectNode object) {
      objects.add(object);
    }
    node.fields()
        .forEachRemaining(
            field -> {
              // Its fields are questions, whatever these are.
              if (!field.getKey().equals("answers")) {
                objects.addAll(objects(field.getValue()));
              }
            });
    if (node.isArray()) {
      node.forEach(child -> objects.addAll(objects(child)));
    }
    return objects;
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyFieldThatIsAlwaysSentIsRequired(Command command) throws IOException {
    for (String field : fieldNames(json(batch(command)).path("commands").path(0))) {
      ObjectNode message = json(batch(command));
      ((ObjectNode) message.path("commands").path(0)).remove(field);
      boolean optional =
          (command instanceof Command.Unlink && field.equals("memberNumber"))
              || field.equals("mergedAt")
              || field.equals("runnerUp")
              || field.equals("parting");
      assertThat(complaints(message).isEmpty()).as(field).isEqualTo(optional);
    }
  }

  private static List<String> fieldNames(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  @Test
  void anotherVersionOfTheFormatIsRefused() throws IOException {
    ObjectNode message = json(batch(new Command.Delete("17", 5)));
    message.put("schema", "pmslink.commands/2");

    assertThat(complaints(message)).isNotEmpty();
  }

  static Stream<Map.Entry<String, Class<?>>> types() {
    Stream<Map.Entry<String, Class<?>>> shared =
        Stream.of(
            Map.entry("", CommandBatch.class),
            Map.entry("matchedMember", CommandBatch.MatchedMember.class),
            Map.entry("entry", EntryOutcome.class),
            Map.entry("reviewCandidate", Command.ReviewCandidate.class),
            Map.entry("comparison", Comparison.class),
            Map.entry("ground", Command.Ground.class),
            Map.entry("facts", Facts.class),
            Map.entry("runnerUp", Command.RunnerUp.class),
            Map.entry("evidence", Evidence.class),
            Map.entry("patientRecord", PatientRecord.class),
            Map.entry("person", Person.class),
            Map.entry("personName", PersonName.class),
            Map.entry("phone", Phone.class),
            Map.entry("postalAddress", PostalAddress.class),
            Map.entry("visit", ActivityRecord.Visit.class),
            Map.entry("transaction", ActivityRecord.Transaction.class),
            Map.entry("provider", ActivityRecord.Provider.class),
            Map.entry("clinic", ActivityRecord.Clinic.class));
    return Stream.concat(
        shared,
        Arrays.stream(Command.class.getPermittedSubclasses())
            .map(type -> Map.entry(camelCase(type.getSimpleName()), type)));
  }

  private static String camelCase(String name) {
    return name.substring(0, 1).toLowerCase(java.util.Locale.ROOT) + name.substring(1);
  }

  private static JsonNode definition(String name) {
    return name.isEmpty() ? SCHEMA_FILE : SCHEMA_FILE.path("$defs").path(name);
  }

  @ParameterizedTest
  @MethodSource("types")
  void everyComponentIsDescribedAndNothingElse(Map.Entry<String, Class<?>> entry) {
    JsonNode definition = definition(entry.getKey());
    Class<?> type = entry.getValue();
    Set<String> all = new TreeSet<>();
    Set<String> required = new TreeSet<>();
    for (RecordComponent component : type.getRecordComponents()) {
      all.add(component.getName());
      if (!component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
        required.add(component.getName());
      }
    }
    if (ActivityRecord.class.isAssignableFrom(type)) {
      all.add("kind");
      required.add("kind");
    }
    if (Command.class.isAssignableFrom(type)) {
      all.add("type");
      required.add("type");
    }

    assertThat(new TreeSet<>(fieldNames(definition.path("properties")))).isEqualTo(all);
    assertThat(texts(definition.path("required"))).isEqualTo(required);
    assertThat(definition.path("additionalProperties").asBoolean(true)).isFalse();
    for (JsonNode property : definition.path("properties")) {
      JsonNode described = property.has("$ref") ? referred(property) : property;
      assertThat(described.path("description").asText()).as(property.toString()).isNotBlank();
    }
  }

  private static JsonNode referred(JsonNode property) {
    return definition(property.path("$ref").asText().replace("#/$defs/", ""));
  }

  private static Set<String> texts(JsonNode list) {
    Set<String> texts = new TreeSet<>();
    list.forEach(text -> texts.add(text.asText()));
    return texts;
  }

  @Test
  void everyCommandTypeIsListedUnderTheNameThatIsSent() {
    JsonSubTypes names = Command.class.getAnnotation(JsonSubTypes.class);
    Set<String> sent = new TreeSet<>();
    for (JsonSubTypes.Type type : names.value()) {
      JsonNode definition = definition(camelCase(type.value().getSimpleName()));
      assertThat(definition.path("properties").path("type").path("const").asText())
          .isEqualTo(type.name());
      sent.add("#/$defs/" + camelCase(type.value().getSimpleName()));
    }
    Set<String> listed = new TreeSet<>();
    definition("command").path("oneOf").forEach(one -> listed.add(one.path("$ref").asText()));

    assertThat(listed).isEqualTo(sent).hasSize(Command.class.getPermittedSubclasses().length);
  }

  static Stream<Map.Entry<JsonNode, Class<? extends Enum<?>>>> codes() {
    return Stream.of(
        Map.entry(
            definition("patientRecord").path("properties").path("status"), PatientStatus.class),
        Map.entry(definition("consent"), Consent.class),
        Map.entry(definition("qualityFlag"), QualityFlag.class),
        Map.entry(definition("person").path("properties").path("gender"), Gender.class),
        Map.entry(definition("phone").path("properties").path("use"), PhoneUse.class),
        Map.entry(definition("comparison").path("properties").path("grade"), Grade.class),
        Map.entry(definition("visit").path("properties").path("status"), VisitStatus.class),
        Map.entry(
            definition("transaction").path("properties").path("type"), TransactionKind.class));
  }

  @ParameterizedTest
  @MethodSource("codes")
  void everyCodeIsListed(Map.Entry<JsonNode, Class<? extends Enum<?>>> entry) {
    Set<String> codes =
        Arrays.stream(entry.getValue().getEnumConstants())
            .map(Enum::name)
            .collect(Collectors.toSet());

    assertThat(texts(entry.getKey().path("enum"))).isEqualTo(new TreeSet<>(codes));
  }
}
