package org.pmslink.feed;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * A feed file as it lies on the disk, for people to look at. Placeholders are shown as they are,
 * never with what they stand for; a secret that somebody has written into the file after all is
 * covered.
 */
final class FeedFileView {
  private static final String COVERED = "(not shown)";

  /** Parameters that hold what nobody else may know. */
  private static final Pattern SECRET =
      Pattern.compile("(?i).*(password|secret|token|key|credential).*");

  /** Addresses of tokens are none of them. */
  private static final Pattern ADDRESS = Pattern.compile("(?i).*(url|header)");

  /** A placeholder without a value to fall back to. */
  private static final Pattern PLACEHOLDER =
      Pattern.compile("\\{\\{\\s*(\\?)?(env:|sys:)?[\\w.-]+\\s*:?\\s*}}");

  /** Logins within an address. */
  private static final Pattern LOGIN =
      Pattern.compile(
          "(?i)((?:password|pwd|passwd|secret|token|key)=)[^&;\"'\\s]+|(://)[^/@\\s\"']+@");

  private static final Pattern VALUE = Pattern.compile("(.*\\bvalue\\s*:\\s*)(\\S.*)");

  /** What a line of a file that is no YAML may hold to be shown. */
  private static final Pattern HARMLESS =
      Pattern.compile(
          "\\s*|\\s*-?\\s*(templatedRoute|parameters)\\s*:\\s*"
              + "|\\s*-?\\s*(routeTemplateRef|routeId|name)\\s*:\\s*[\"']?[\\w.-]*[\"']?\\s*");

  private FeedFileView() {}

  /** Lines of the file. */
  static List<String> lines(Path file) throws IOException {
    String text = Files.readString(file);
    List<String> lines = new ArrayList<>(Arrays.asList(text.split("\r?\n", -1)));
    if (!lines.isEmpty() && lines.get(lines.size() - 1).isEmpty()) {
      lines.remove(lines.size() - 1);
    }
    List<Node> secrets = new ArrayList<>();
    try {
      Node root = new Yaml(new LoaderOptions()).compose(new StringReader(text));
      if (root != null) {
        collect(root, secrets);
      }
    } catch (YAMLException e) {
      lines.replaceAll(FeedFileView::withoutValue);
      return lines;
    }
    for (int i = secrets.size() - 1; i >= 0; i--) {
      cover(lines, secrets.get(i));
    }
    lines.replaceAll(
        line ->
            LOGIN
                .matcher(line.strip().startsWith("#") ? withoutValue(line) : line)
                .replaceAll(m -> m.group(1) == null ? "$2" + COVERED + "@" : "$1" + COVERED));
    return lines;
  }

  /** Values of parameters with such names, wherever in the file they stand. */
  private static void collect(Node node, List<Node> secrets) {
    if (node instanceof SequenceNode list) {
      list.getValue().forEach(entry -> collect(entry, secrets));
    } else if (node instanceof MappingNode mapping) {
      boolean secret =
          mapping.getValue().stream()
              .anyMatch(
                  t -> text(t.getKeyNode()).equals("name") && isSecret(text(t.getValueNode())));
      for (NodeTuple tuple : mapping.getValue()) {
        String key = text(tuple.getKeyNode());
        boolean holds = (secret && key.equals("value")) || isSecret(key);
        if (holds && !isPlaceholder(text(tuple.getValueNode()))) {
          secrets.add(tuple.getValueNode());
        } else {
          collect(tuple.getValueNode(), secrets);
        }
      }
    }
  }

  /** Whether a parameter of that name holds what nobody else may know. */
  static boolean isSecret(String name) {
    return SECRET.matcher(name).matches() && !ADDRESS.matcher(name).matches();
  }

  private static boolean isPlaceholder(String value) {
    return value.isBlank()
        || value.equals("none")
        || PLACEHOLDER.matcher(value.strip().toLowerCase(Locale.ROOT)).matches();
  }

  private static String text(Node node) {
    return node instanceof ScalarNode scalar ? scalar.getValue() : "";
  }

  private static void cover(List<String> lines, Node value) {
    int first = value.getStartMark().getLine();
    String head = lines.get(first).substring(0, value.getStartMark().getColumn());
    // A block ends where the line behind it begins.
    int last =
        value.getEndMark().getColumn() == 0
            ? value.getEndMark().getLine() - 1
            : value.getEndMark().getLine();
    for (int line = first + 1; line <= last && line < lines.size(); line++) {
      lines.set(line, COVERED);
    }
    lines.set(first, head + COVERED);
  }

  /** Without a parser nobody knows what belongs to what, so no value is shown at all. */
  private static String withoutValue(String line) {
    if (line.strip().startsWith("#")) {
      return VALUE.matcher(line).replaceAll(m -> "$1" + COVERED);
    }
    if (HARMLESS.matcher(line).matches()) {
      return line;
    }
    return VALUE.matcher(line).matches()
        ? VALUE.matcher(line).replaceAll(m -> "$1" + COVERED)
        : COVERED;
  }
}
