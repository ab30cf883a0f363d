package org.pmslink.mapping;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.pmslink.patient.InvalidRecordException;

/**
 * Which fields of a raw record the fields of a canonical one come from. Found out by trying: each
 * raw value is changed in a dozen ways, and what comes out otherwise depends on it. So it holds for
 * any mapping, functions and tables included, and for the cleaning behind it.
 *
 * @param inputs for each field that the record has, or would have, the raw fields it depends on;
 *     none for what the mapping sets by itself
 * @param unused raw fields on which nothing depends
 */
public record FieldOrigins(Map<String, SortedSet<String>> inputs, List<String> unused) {
  /** They follow from everything else. */
  private static final Set<String> DERIVED = Set.of("contentHash", "qualityFlags");

  /**
   * Values that are something to a name, a date, a telephone, an e-mail, a state, a code or a flag.
   */
  private static final List<JsonNode> SAMPLES =
      List.of(
          NullNode.getInstance(),
          TextNode.valueOf(""),
          TextNode.valueOf("Zoltan"),
          TextNode.valueOf("1984-03-09"),
          TextNode.valueOf("1991-11-21T10:30:00"),
          TextNode.valueOf("614-228-1000"),
          TextNode.valueOf("zoltan@buckeyemail.com"),
          TextNode.valueOf("OH"),
          TextNode.valueOf("43215"),
          TextNode.valueOf("Y"),
          LongNode.valueOf(0),
          LongNode.valueOf(1),
          LongNode.valueOf(2),
          LongNode.valueOf(7),
          BooleanNode.TRUE,
          BooleanNode.FALSE);

  /**
   * Tries.
   *
   * @param record makes the canonical record of a raw one, as JSON
   */
  public static FieldOrigins of(JsonNode raw, UnaryOperator<JsonNode> record) {
    Map<String, JsonNode> before = fields(record.apply(raw));
    Map<String, SortedSet<String>> inputs = new LinkedHashMap<>();
    before.keySet().forEach(field -> inputs.put(field, new TreeSet<>()));
    List<String> unused = new ArrayList<>();
    for (JsonPointer leaf : leaves(raw)) {
      Set<String> changed = new TreeSet<>();
      for (JsonNode other : SAMPLES) {
        changed.addAll(changedBy(raw, leaf, other, before, record));
      }
      changed.forEach(field -> inputs.computeIfAbsent(field, f -> new TreeSet<>()).add(name(leaf)));
      if (changed.isEmpty()) {
        unused.add(name(leaf));
      }
    }
    return new FieldOrigins(inputs, unused);
  }

  private static Set<String> changedBy(
      JsonNode raw,
      JsonPointer leaf,
      JsonNode other,
      Map<String, JsonNode> before,
      UnaryOperator<JsonNode> record) {
    Map<String, JsonNode> after;
    try {
      after = fields(record.apply(with(raw, leaf, other)));
    } catch (MappingException | InvalidRecordException e) {
      return Set.of(); // another value may do
    }
    Set<String> names = new TreeSet<>(before.keySet());
    names.addAll(after.keySet());
    names.removeIf(
        name ->
            before
                .getOrDefault(name, MissingNode.getInstance())
                .equals(after.getOrDefault(name, MissingNode.getInstance())));
    return names;
  }

  /** Fields by their path; a list is one field, because its entries have no places of their own. */
  private static Map<String, JsonNode> fields(JsonNode record) {
    Map<String, JsonNode> fields = new LinkedHashMap<>();
    collect(record, "", fields);
    return fields;
  }

  private static void collect(JsonNode node, String path, Map<String, JsonNode> fields) {
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      String name = path + entry.getKey();
      if (entry.getValue().isObject()) {
        collect(entry.getValue(), name + ".", fields);
      } else if (!DERIVED.contains(name)
          && !entry.getValue().isNull()
          && !(entry.getValue().isArray() && entry.getValue().isEmpty())) {
        fields.put(name, entry.getValue());
      }
    }
  }

  private static List<JsonPointer> leaves(JsonNode raw) {
    List<JsonPointer> leaves = new ArrayList<>();
    collect(raw, JsonPointer.empty(), leaves);
    return leaves;
  }

  private static void collect(JsonNode node, JsonPointer at, List<JsonPointer> leaves) {
    if (node.isObject()) {
      node.properties().forEach(e -> collect(e.getValue(), at.appendProperty(e.getKey()), leaves));
    } else if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        collect(node.get(i), at.appendIndex(i), leaves);
      }
    } else {
      leaves.add(at);
    }
  }

  private static JsonNode with(JsonNode raw, JsonPointer leaf, JsonNode other) {
    if (leaf.matches()) {
      return other;
    }
    JsonNode copy = raw.deepCopy();
    JsonNode parent = copy.at(leaf.head());
    if (parent instanceof ObjectNode object) {
      object.set(leaf.last().getMatchingProperty(), other);
    } else if (parent instanceof ArrayNode array) {
      array.set(leaf.last().getMatchingIndex(), other);
    }
    return copy;
  }

  private static String name(JsonPointer leaf) {
    return leaf.matches() ? "the record" : leaf.toString().substring(1).replace('/', '.');
  }
}
