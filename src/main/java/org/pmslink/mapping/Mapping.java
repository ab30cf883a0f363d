package org.pmslink.mapping;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.schibsted.spt.data.jslt.Expression;
import com.schibsted.spt.data.jslt.JsltException;
import com.schibsted.spt.data.jslt.Parser;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.activity.SourceActivity;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SourcePatient;

/** One compiled JSLT mapping. Immutable and thread-safe. */
public final class Mapping {
  private final String path;
  private final String version;
  private final String text;
  private final Expression expression;

  private Mapping(String path, String text, Expression expression) {
    this.path = path;
    this.version = sha256(text);
    this.text = text;
    this.expression = expression;
  }

  /**
   * A record that is gone from the PMS, as a mapping writes it.
   *
   * @param type patient, visit, transaction, provider or clinic
   * @param part of the stream that delivered it; absent for the main one of its type
   */
  public record SourceDelete(
      @Nullable String type, @Nullable String part, @Nullable String sourceId) {}

  /**
   * A merge as a mapping writes it: chart {@code loser} was merged into {@code survivor}.
   *
   * @param mergedAt when; says which one holds where the PMS has several of one loser
   */
  public record SourceMerge(
      @Nullable String loser, @Nullable String survivor, @Nullable String mergedAt) {}

  /**
   * Reads and compiles a mapping.
   *
   * @param folder the mappings folder
   * @param path below it, for example {@code open-dental/patient.jslt}
   * @throws MappingException naming file and line
   */
  static Mapping compile(Path folder, String path) {
    Path file = folder.resolve(path).normalize();
    if (!file.startsWith(folder.normalize())) {
      throw new MappingException(path + ": lies outside the mappings folder; use a path below it");
    }
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new MappingException(
          path + ": cannot be read; it must exist below the mappings folder, as UTF-8 text");
    }
    try {
      Expression expression =
          new Parser(new java.io.StringReader(text))
              .withSource(path)
              .withFunctions(MappingFunctions.all())
              .compile();
      return new Mapping(path, text, expression);
    } catch (JsltException e) {
      throw new MappingException(path + where(e) + ": does not compile: " + firstLine(e));
    } catch (ArgumentException e) {
      throw new MappingException(path + ": " + e.said(text));
    }
  }

  /** Path below the mappings folder. */
  public String path() {
    return path;
  }

  /** First twelve digits of the SHA-256 of the file. */
  public String version() {
    return version;
  }

  /**
   * Maps one raw record.
   *
   * @throws MappingException when the mapping fails on the record; names the mapping's line where
   *     JSLT knows it
   */
  public JsonNode apply(JsonNode raw) {
    try {
      return expression.apply(raw);
    } catch (ArgumentException e) {
      throw new MappingException(path + ": " + e.said(text));
    } catch (JsltException e) {
      // The engine's own message quotes the value it stumbled over, so only the place is passed on.
      throw new MappingException(
          path + where(e) + ": the mapping fails on this record",
          e.getLine() > 0 ? e.getLine() : null,
          null);
    } catch (RuntimeException e) {
      throw new MappingException(
          path + ": the mapping fails on this record (" + e.getClass().getSimpleName() + ")");
    }
  }

  /** Maps a chart. */
  public SourcePatient patient(JsonNode raw) {
    return bind(apply(raw), SourcePatient.class);
  }

  /** Maps a merge. */
  public SourceMerge merge(JsonNode raw) {
    return bind(apply(raw), SourceMerge.class);
  }

  /** Maps a visit, a transaction, a provider or a clinic. */
  public <T extends SourceActivity> T activity(JsonNode raw, Class<T> type) {
    return bind(apply(raw), type);
  }

  /** Maps a delete. */
  public SourceDelete delete(JsonNode raw) {
    return bind(apply(raw), SourceDelete.class);
  }

  /**
   * Maps a raw record to what the mapping's name says it is: a {@link SourcePatient}, a {@link
   * SourceMerge}, a {@link SourceActivity} or a {@link SourceDelete}.
   *
   * @throws MappingException also when the name begins with none of these
   */
  public Object source(JsonNode raw) {
    String name = path.substring(path.lastIndexOf('/') + 1).replaceFirst("[-.].*", "");
    return switch (name) {
      case "patient" -> patient(raw);
      case "merge" -> merge(raw);
      case "visit" -> activity(raw, SourceActivity.Visit.class);
      case "transaction" -> activity(raw, SourceActivity.Transaction.class);
      case "provider" -> activity(raw, SourceActivity.Provider.class);
      case "clinic" -> activity(raw, SourceActivity.Clinic.class);
      case "delete" -> delete(raw);
      default ->
          throw new MappingException(
              path
                  + ": a mapping's name begins with what it makes: patient, merge, visit,"
                  + " transaction, provider, clinic or delete");
    };
  }

  private <T> T bind(JsonNode mapped, Class<T> type) {
    if (!mapped.isObject()) {
      throw new MappingException(path + ": must yield an object, but yields no object");
    }
    try {
      return RecordJson.mapper().treeToValue(mapped, type);
    } catch (UnrecognizedPropertyException e) {
      String field = e.getPropertyName();
      if (!text.contains('"' + field + '"')) {
        // A mapping may make names out of values.
        throw new MappingException(
            path + ": writes a field whose name it makes itself, and which is none of ours");
      }
      throw new MappingException(
          path
              + ": writes the field \""
              + field
              + "\", which is not one of "
              + e.getKnownPropertyIds(),
          lineOf(field),
          field);
    } catch (com.fasterxml.jackson.databind.JsonMappingException e) {
      String field =
          e.getPath().isEmpty() ? "?" : String.valueOf(e.getPath().get(0).getFieldName());
      throw new MappingException(
          path + ": the field \"" + field + "\" has the wrong type", lineOf(field), field);
    } catch (JsonProcessingException e) {
      throw new MappingException(path + ": yields something that is not a record");
    }
  }

  /**
   * The line that writes a field, from 1; {@code null} when there is none or more than one: then
   * only a person can tell.
   */
  public @Nullable Integer lineOf(String field) {
    Matcher written = Pattern.compile('"' + Pattern.quote(field) + "\"\\s*:").matcher(text);
    if (!written.find()) {
      return null;
    }
    int line = 1 + (int) text.substring(0, written.start()).chars().filter(c -> c == '\n').count();
    return written.find() ? null : line;
  }

  /** The text of a line, from 1. */
  public @Nullable String line(int number) {
    return text.lines().skip(number - 1L).findFirst().map(String::strip).orElse(null);
  }

  /** From the exception's own field, never from its message, which quotes the record. */
  private static String where(JsltException e) {
    return e.getLine() > 0 ? " line " + e.getLine() : "";
  }

  /** The parser goes on to list every token that it would have taken. */
  private static String firstLine(JsltException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  private static String sha256(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash).substring(0, 12);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
