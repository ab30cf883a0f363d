package org.pmslink.csv;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.mapping.MappingException;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * Which headers mean which field: {@code columns.yaml} of a mapping folder. Case, blanks and
 * punctuation of a header do not matter.
 */
public final class ColumnNames {
  /** Name of the table in each mapping folder of exported files. */
  public static final String FILE = "columns.yaml";

  /** What the values of a field are, which decides how they are read and mended. */
  enum Kind {
    ID("id"),
    REFERENCE("id of another"),
    FAMILY("last name"),
    GIVEN("first name"),
    WHOLE_NAME("whole name"),
    BIRTH_DATE("birth date"),
    DATE("date"),
    PHONE("phone"),
    ZIP("zip"),
    STATE("state"),
    TEXT("text");

    private final String word;

    Kind(String word) {
      this.word = word;
    }

    private static @Nullable Kind of(String word) {
      return Stream.of(values()).filter(k -> k.word.equals(word)).findFirst().orElse(null);
    }
  }

  /**
   * A field of a raw record.
   *
   * @param insteadOf the field that a column of this one stands in for when that has none
   * @param shared whether several patients may have one value of it, where it stands in for an id
   */
  record Field(String name, Kind kind, @Nullable String insteadOf, boolean shared) {}

  private final Map<String, Field> byHeader;
  private final List<Field> fields;

  private ColumnNames(Map<String, Field> byHeader, List<Field> fields) {
    this.byHeader = byHeader;
    this.fields = fields;
  }

  /**
   * Reads the table of a mapping folder.
   *
   * @param folder the mappings folder
   * @param pms the folder below it
   * @throws MappingException naming file and line
   */
  public static ColumnNames read(Path folder, String pms) {
    return ofFile(folder, pms + "/" + FILE);
  }

  /**
   * Reads such a table and forgets it.
   *
   * @param path of the table, below the mappings folder
   * @throws MappingException naming file and line
   */
  public static void check(Path folder, String path) {
    ofFile(folder, path);
  }

  private static ColumnNames ofFile(Path folder, String path) {
    Map<String, Field> byHeader = new HashMap<>();
    List<Field> fields = new ArrayList<>();
    children(compose(folder.resolve(path), path), path)
        .forEach((name, node) -> fields.add(field(name, node, path, byHeader)));
    ColumnNames columns = new ColumnNames(byHeader, fields);
    if (columns.ofKind(Kind.ID) == null) {
      throw new MappingException(path + ": one field must be of the kind \"id\"");
    }
    if (columns.ofKind(Kind.FAMILY) == null && columns.ofKind(Kind.WHOLE_NAME) == null) {
      throw new MappingException(
          path + ": one field must be of the kind \"last name\" or \"whole name\"");
    }
    for (Field field : fields) {
      if (field.insteadOf != null && !columns.fieldNames().contains(field.insteadOf)) {
        throw new MappingException(
            path + ": " + field.name + " is there instead of a field that does not exist");
      }
    }
    return columns;
  }

  private static Field field(String name, Node node, String path, Map<String, Field> byHeader) {
    Map<String, Node> said = children(node, path);
    for (Map.Entry<String, Node> entry : said.entrySet()) {
      if (!Set.of("kind", "names", "insteadOf", "shared").contains(entry.getKey())) {
        throw at(
            path, entry.getValue(), "unknown word; a field has kind, names, insteadOf and shared");
      }
    }
    Node kindNode = said.get("kind");
    Kind kind = kindNode == null ? Kind.TEXT : Kind.of(text(kindNode, path));
    if (kind == null) {
      throw at(
          path,
          kindNode,
          "kind is none of "
              + Stream.of(Kind.values()).map(k -> k.word).collect(Collectors.joining(", ")));
    }
    Node insteadOf = said.get("insteadOf");
    Node shared = said.get("shared");
    if (shared != null && !Set.of("true", "false").contains(text(shared, path))) {
      throw at(path, shared, "shared is true or false");
    }
    Field field =
        new Field(
            name,
            kind,
            insteadOf == null ? null : text(insteadOf, path),
            shared != null && text(shared, path).equals("true"));
    if (!(said.get("names") instanceof SequenceNode names) || names.getValue().isEmpty()) {
      throw at(path, node, "\"" + name + "\" needs names: a list of headers");
    }
    for (Node header : names.getValue()) {
      String folded = folded(text(header, path));
      Field other = folded.isEmpty() ? field : byHeader.putIfAbsent(folded, field);
      if (other != null) {
        throw at(
            path,
            header,
            folded.isEmpty()
                ? "a header must have a letter or a digit"
                : "this header is listed twice, here and for \"" + other.name + "\"");
      }
    }
    return field;
  }

  private static Node compose(Path file, String path) {
    try (Reader reader = Files.newBufferedReader(file)) {
      LoaderOptions options = new LoaderOptions();
      options.setAllowDuplicateKeys(false);
      Node root = new Yaml(options).compose(reader);
      if (root == null) {
        throw new MappingException(path + ": the file is empty; see mappings/csv");
      }
      return root;
    } catch (MarkedYAMLException e) {
      String line = e.getProblemMark() == null ? "" : " line " + (e.getProblemMark().getLine() + 1);
      throw new MappingException(path + line + ": this is not YAML: " + e.getProblem());
    } catch (IOException e) {
      throw new MappingException(
          path + ": cannot be read; copy mappings/csv/" + FILE + " as a beginning");
    }
  }

  private static Map<String, Node> children(Node node, String path) {
    if (!(node instanceof MappingNode mapping)) {
      throw at(path, node, "names and values are expected here");
    }
    Map<String, Node> children = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      if (children.put(text(tuple.getKeyNode(), path), tuple.getValueNode()) != null) {
        throw at(path, tuple.getKeyNode(), "this stands here twice");
      }
    }
    return children;
  }

  private static String text(Node node, String path) {
    if (node instanceof ScalarNode scalar) {
      return scalar.getValue();
    }
    throw at(path, node, "must be a single value");
  }

  private static MappingException at(String path, @Nullable Node node, String problem) {
    String line =
        node == null || node.getStartMark() == null
            ? ""
            : " line " + (node.getStartMark().getLine() + 1);
    return new MappingException(path + line + ": " + problem);
  }

  private Set<String> fieldNames() {
    return fields.stream().map(Field::name).collect(Collectors.toSet());
  }

  private @Nullable Field ofKind(Kind kind) {
    return fields.stream().filter(f -> f.kind == kind).findFirst().orElse(null);
  }

  /** A header without what differs from one report to the next. */
  static String folded(String header) {
    StringBuilder folded = new StringBuilder(header.length());
    for (int i = 0; i < header.length(); i++) {
      char c = header.charAt(i);
      if (Character.isLetterOrDigit(c)) {
        folded.append(Character.toLowerCase(c));
      } else if (c == '#') {
        folded.append("no");
      }
    }
    return folded.toString();
  }

  /** How many different fields a row would name if it were the header. */
  int recognised(List<String> cells) {
    Set<String> found = new LinkedHashSet<>();
    for (String cell : cells) {
      Field field = cell.length() > 100 ? null : byHeader.get(folded(cell));
      if (field != null) {
        found.add(field.name);
      }
    }
    return found.size();
  }

  /**
   * The columns that a header names.
   *
   * @throws RefusedFileException when one that is needed is missing, or one is there twice
   */
  Header header(List<String> cells) {
    Map<String, Integer> positions = new LinkedHashMap<>();
    List<@Nullable Field> columns = new ArrayList<>();
    List<String> unknown = new ArrayList<>();
    for (int i = 0; i < cells.size(); i++) {
      Field field = byHeader.get(folded(cells.get(i)));
      columns.add(field);
      if (field == null) {
        if (!cells.get(i).isBlank() && !folded(cells.get(i)).equals(RowErrors.COLUMN)) {
          unknown.add(cells.get(i).strip());
        }
        continue;
      }
      Integer other = positions.putIfAbsent(field.name, i);
      if (other != null) {
        throw new RefusedFileException(
            "two columns mean the same: \""
                + cells.get(other).strip()
                + "\" (column "
                + (other + 1)
                + ") and \""
                + cells.get(i).strip()
                + "\" (column "
                + (i + 1)
                + ") are both \""
                + field.name
                + "\"; take one of them out of the export, or give them different fields in "
                + FILE);
      }
    }
    int idAt = idAt(positions);
    boolean named =
        columns.stream()
            .anyMatch(f -> f != null && (f.kind == Kind.FAMILY || f.kind == Kind.WHOLE_NAME));
    if (idAt < 0 || !named) {
      throw new RefusedFileException(
          "there is no column for "
              + (idAt < 0
                  ? "the patient's id" + (named ? "" : " and none for the name")
                  : "the name")
              + "; recognised are "
              + positions.values().stream()
                  .map(at -> "\"" + cells.get(at).strip() + "\"")
                  .collect(Collectors.joining(", "))
              + "; add the column to the export, or its header to "
              + FILE);
    }
    return new Header(List.copyOf(cells), columns, idAt, unknown);
  }

  /** The id's own column, or the first that stands in for it in the order of the table. */
  private int idAt(Map<String, Integer> positions) {
    Field id = ofKind(Kind.ID);
    String name = id == null ? "" : id.name;
    Integer own = positions.get(name);
    if (own != null) {
      return own;
    }
    return fields.stream()
        .filter(f -> name.equals(f.insteadOf) && positions.containsKey(f.name))
        .findFirst()
        .map(f -> positions.getOrDefault(f.name, -1))
        .orElse(-1);
  }

  /** Name of the field of a kind; the usual one where the table has none. */
  String fieldOf(Kind kind) {
    Field field = ofKind(kind);
    if (field != null) {
      return field.name;
    }
    return kind == Kind.FAMILY ? "family" : kind == Kind.GIVEN ? "given" : "id";
  }

  /**
   * The header of a file.
   *
   * @param cells as they stand there
   * @param columns the field of each column; {@code null} where none is known
   * @param idAt position of the column that holds the id
   * @param unknown headers that no field has
   */
  record Header(List<String> cells, List<@Nullable Field> columns, int idAt, List<String> unknown) {

    int size() {
      return cells.size();
    }

    String name(int column) {
      return "\"" + cells.get(column).strip() + "\"";
    }

    int at(Kind kind) {
      for (int i = 0; i < columns.size(); i++) {
        Field field = columns.get(i);
        if (field != null && field.kind() == kind) {
          return i;
        }
      }
      return -1;
    }
  }
}
