package org.pmslink.matching;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.pmslink.matching.Level.Field;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;

/**
 * The rules of {@code matching.yaml}, read and checked: weights in bits, thresholds, caps. The file
 * itself says what each number means. Immutable.
 */
public final class MatchingRules {
  private static final double LOG_2 = Math.log(2);

  private final String name;
  private final String text;
  private final String version;
  private final double[] m = new double[Level.values().length];
  private final double[] u = new double[Level.values().length];
  private final boolean[] byFrequency = new boolean[Level.values().length];
  private final double[] weights = new double[Level.values().length];

  final double priorRecords;
  final double householdCap;
  final double noHouseholdsBelowShare;
  final double noHouseholdsNeedRecords;
  final double certainWithoutHouseholds;
  final double possibleWithoutHouseholds;
  final double disagreementWithoutHouseholds;
  final double shippedCountsAs;
  final double certain;
  final double certainPersonal;
  final double probable;
  final double possible;
  final double possibleDuplicate;
  final double margin;
  final int recordsPerKey;

  private MatchingRules(String name, String text) {
    Reading file = new Reading(name);
    MappingNode root = file.root(text);
    Map<String, Node> top =
        file.entries(
            root,
            "prior",
            "fields",
            "household",
            "without_households",
            "frequency",
            "thresholds",
            "margin",
            "blocking");
    this.name = name;
    this.text = text;
    version = hash(text);
    priorRecords =
        file.positive(
            file.entries(file.get(top, root, "prior"), "records_at_least"),
            file.get(top, root, "prior"),
            "records_at_least");
    readFields(file, file.get(top, root, "fields"));
    Node household = file.get(top, root, "household");
    Map<String, Node> houses =
        file.entries(household, "cap", "none_below_share", "none_needs_records");
    householdCap = file.positive(houses, household, "cap");
    noHouseholdsBelowShare = file.probability(houses, household, "none_below_share");
    noHouseholdsNeedRecords = file.positive(houses, household, "none_needs_records");
    Node without = file.get(top, root, "without_households");
    Map<String, Node> independent =
        file.entries(without, "certain", "possible", "disagreement_at_most");
    disagreementWithoutHouseholds = file.positive(independent, without, "disagreement_at_most");
    certainWithoutHouseholds = file.positive(independent, without, "certain");
    possibleWithoutHouseholds = file.positive(independent, without, "possible");
    if (certainWithoutHouseholds <= possibleWithoutHouseholds) {
      throw file.wrong(without, "thresholds are out of order: certain > possible");
    }
    Node frequency = file.get(top, root, "frequency");
    shippedCountsAs =
        file.positive(file.entries(frequency, "shipped_counts_as"), frequency, "shipped_counts_as");
    Node bits = file.get(top, root, "thresholds");
    Map<String, Node> thresholds =
        file.entries(
            bits, "certain", "certain_personal", "probable", "possible", "possible_duplicate");
    certain = file.positive(thresholds, bits, "certain");
    certainPersonal = file.positive(thresholds, bits, "certain_personal");
    probable = file.positive(thresholds, bits, "probable");
    possible = file.positive(thresholds, bits, "possible");
    possibleDuplicate = file.number(thresholds, bits, "possible_duplicate");
    if (!(certain > probable && probable > possible && possible >= possibleDuplicate)) {
      throw file.wrong(bits, "thresholds are out of order: certain > probable > possible");
    }
    margin = file.positive(top, root, "margin");
    Node blocking = file.get(top, root, "blocking");
    double perKey =
        file.positive(file.entries(blocking, "records_per_key"), blocking, "records_per_key");
    if (perKey < 2 || perKey > 10_000) {
      throw file.wrong(blocking, "records_per_key is not from 2 to 10000");
    }
    recordsPerKey = (int) perKey;
  }

  /** The rules that are part of the product. */
  public static MatchingRules shipped() {
    try (InputStream in = MatchingRules.class.getResourceAsStream("matching.yaml")) {
      if (in == null) {
        throw new IllegalStateException("not in the jar: matching.yaml");
      }
      return new MatchingRules(
          "matching.yaml", new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads a rules file.
   *
   * @throws InvalidRulesException with file, line and reason
   */
  public static MatchingRules read(Path file) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return new MatchingRules(file.toString(), text);
    } catch (CharacterCodingException e) {
      throw new InvalidRulesException(file + " line 1: this is not UTF-8 text");
    } catch (IOException e) {
      throw new InvalidRulesException(file + ": cannot be read");
    }
  }

  /**
   * Reads rules from a text.
   *
   * @param name what to call it in a message
   * @throws InvalidRulesException with line and reason
   */
  public static MatchingRules parse(String name, String text) {
    return new MatchingRules(name, text);
  }

  /** The rules as they were read. */
  public String text() {
    return text;
  }

  /** First 16 hexadecimal digits of the SHA-256 of the file's text, line ends made alike. */
  public String version() {
    return version;
  }

  /** In bits. */
  double weight(Level level) {
    return weights[level.ordinal()];
  }

  /**
   * In bits, for a value that this share of people bear; never below zero: that two records agree,
   * if only on what everybody has, speaks against nothing.
   */
  double weight(Level level, double frequency) {
    int i = level.ordinal();
    return byFrequency[i] ? Math.max(0, bits(m[i], Math.max(u[i], frequency))) : weights[i];
  }

  /** Share of pairs of one person that show this level. */
  double m(Level level) {
    return m[level.ordinal()];
  }

  /** Share of pairs of two people that show this level; the least where it goes by frequency. */
  double u(Level level) {
    return u[level.ordinal()];
  }

  boolean isByFrequency(Level level) {
    return byFrequency[level.ordinal()];
  }

  /**
   * The file with other figures in the places of the former, and every other character as it was.
   *
   * @param m by level, as they shall be written; what is not in it stays
   * @param u likewise
   * @throws InvalidRulesException when the file cannot be changed in place, as with YAML aliases
   */
  String withFigures(Map<Level, String> m, Map<Level, String> u) {
    Reading file = new Reading(name);
    NavigableMap<Integer, Figure> figures = new TreeMap<>();
    for (NodeTuple top : file.root(text).getValue()) {
      if (isNamed(top, "fields")) {
        for (Level level : Level.values()) {
          Node values = value(value(top.getValueNode(), level.field.label), level.label);
          place(figures, value(values, "m"), m.get(level));
          place(figures, value(values, "u"), u.get(level));
        }
      }
    }
    StringBuilder changed = new StringBuilder(text);
    // From the end, so that what was not yet looked at stays where it was.
    figures
        .descendingMap()
        .forEach((start, figure) -> changed.replace(start, figure.end, figure.text));
    MatchingRules result = new MatchingRules(name, changed.toString());
    for (Level level : Level.values()) {
      check(level, m.get(level), result.m(level), m(level));
      check(level, u.get(level), result.u(level), u(level));
    }
    return changed.toString();
  }

  private record Figure(int end, String text) {}

  private void place(NavigableMap<Integer, Figure> figures, Node node, @Nullable String figure) {
    if (figure != null) {
      // Marks count code points.
      int start = text.offsetByCodePoints(0, node.getStartMark().getIndex());
      int end = text.offsetByCodePoints(0, node.getEndMark().getIndex());
      figures.put(start, new Figure(end, figure));
    }
  }

  private void check(Level level, @Nullable String written, double now, double before) {
    if (now != (written == null ? before : Double.parseDouble(written))) {
      throw new InvalidRulesException(
          name + ": " + level.field.label + " " + level.label + " cannot be changed in place");
    }
  }

  private static boolean isNamed(NodeTuple tuple, String name) {
    return tuple.getKeyNode() instanceof ScalarNode scalar && scalar.getValue().equals(name);
  }

  /** What is under a name that is known to be there. */
  private static Node value(Node parent, String name) {
    for (NodeTuple tuple : ((MappingNode) parent).getValue()) {
      if (isNamed(tuple, name)) {
        return tuple.getValueNode();
      }
    }
    throw new IllegalStateException("read before, and now missing: " + name);
  }

  private void readFields(Reading file, Node node) {
    Map<String, Node> fields = file.entries(node, labels(null));
    for (Field field : Field.values()) {
      Node levels = file.get(fields, node, field.label);
      Map<String, Node> named = file.entries(levels, labels(field));
      for (Level level : Level.values()) {
        if (level.field == field) {
          readLevel(file, level, file.get(named, levels, level.label));
        }
      }
    }
  }

  private void readLevel(Reading file, Level level, Node node) {
    Map<String, Node> values = file.entries(node, "m", "u", "frequency");
    int i = level.ordinal();
    m[i] = file.probability(values, node, "m");
    u[i] = file.probability(values, node, "u");
    Node frequency = values.get("frequency");
    if (frequency != null) {
      String yes = frequency instanceof ScalarNode scalar ? scalar.getValue() : "";
      if (!yes.equals("true") && !yes.equals("false")) {
        throw file.wrong(frequency, "frequency is neither true nor false");
      }
      byFrequency[i] = yes.equals("true");
    }
    weights[i] = bits(m[i], u[i]);
    if (level.label.equals("exact") && weights[i] < 0) {
      throw file.wrong(node, level.field.label + " exact: m is less than u");
    }
    if (level.label.equals("different") && weights[i] > 0) {
      throw file.wrong(node, level.field.label + " different: m is more than u");
    }
  }

  static double bits(double m, double u) {
    // To the ten-thousandth, so that a weight reads the same wherever it is shown.
    return Math.rint(Math.log(m / u) / LOG_2 * 10_000) / 10_000;
  }

  private static String[] labels(@Nullable Field of) {
    Set<String> labels = new TreeSet<>();
    for (Level level : Level.values()) {
      if (of == null) {
        labels.add(level.field.label);
      } else if (level.field == of) {
        labels.add(level.label);
      }
    }
    return labels.toArray(String[]::new);
  }

  static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(text.replace("\r\n", "\n").getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  /** Reads nodes rather than values, because only nodes know their line. */
  private record Reading(String name) {

    MappingNode root(String text) {
      try {
        Node node =
            new Yaml(new SafeConstructor(new LoaderOptions())).compose(new StringReader(text));
        if (node instanceof MappingNode mapping) {
          return mapping;
        }
      } catch (MarkedYAMLException e) {
        int line = e.getProblemMark() == null ? 1 : e.getProblemMark().getLine() + 1;
        throw new InvalidRulesException(name + " line " + line + ": " + e.getProblem());
      }
      throw new InvalidRulesException(name + " line 1: there are no rules in this file");
    }

    Map<String, Node> entries(Node node, String... known) {
      if (!(node instanceof MappingNode mapping)) {
        throw wrong(node, "names and values are expected here");
      }
      Set<String> names = Set.of(known);
      Map<String, Node> entries = new LinkedHashMap<>();
      for (NodeTuple tuple : mapping.getValue()) {
        String key = tuple.getKeyNode() instanceof ScalarNode scalar ? scalar.getValue() : "";
        if (!names.contains(key)) {
          throw wrong(tuple.getKeyNode(), "unknown: " + key);
        }
        if (entries.put(key, tuple.getValueNode()) != null) {
          throw wrong(tuple.getKeyNode(), "twice: " + key);
        }
      }
      return entries;
    }

    Node get(Map<String, Node> entries, Node parent, String key) {
      Node node = entries.get(key);
      if (node == null) {
        throw wrong(parent, "missing: " + key);
      }
      return node;
    }

    double probability(Map<String, Node> entries, Node parent, String key) {
      double value = number(entries, parent, key);
      if (!(value > 0 && value < 1)) {
        throw wrong(get(entries, parent, key), key + " is not between 0 and 1");
      }
      return value;
    }

    double positive(Map<String, Node> entries, Node parent, String key) {
      double value = number(entries, parent, key);
      if (!(value > 0 && value < 1e9)) {
        throw wrong(get(entries, parent, key), key + " is not a number above 0");
      }
      return value;
    }

    double number(Map<String, Node> entries, Node parent, String key) {
      Node node = get(entries, parent, key);
      try {
        return node instanceof ScalarNode scalar
            ? Double.parseDouble(scalar.getValue())
            : notANumber(node, key);
      } catch (NumberFormatException e) {
        throw wrong(node, key + " is not a number");
      }
    }

    private double notANumber(Node node, String key) {
      throw wrong(node, key + " is not a number");
    }

    InvalidRulesException wrong(Node node, String reason) {
      return new InvalidRulesException(
          name + " line " + (node.getStartMark().getLine() + 1) + ": " + reason);
    }
  }
}
