package org.pmslink.feed;

import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.SenderProof;
import org.pmslink.hl7.Hl7Agreement;
import org.pmslink.hl7.MllpAccess;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.reader.ReaderException;

/**
 * A feed file, read without starting anything: one templated route, parameters only. Every
 * complaint names the line and says what to do.
 *
 * @param name the file's name without its ending, which is the feed's name
 * @param template the route template it uses
 * @param parameters as written, placeholders and all
 */
record FeedFile(String name, String template, Map<String, String> parameters) {
  /** Written out, as a parameter of the address or before its host. */
  private static final Pattern PASSWORD_IN_URL =
      Pattern.compile(
          "(?i)\\b(?:password|passwd|pwd)=(?!\\{\\{)[^&;\\s]|://[^/@\\s]*:(?!\\{\\{)[^/@\\s]+@");

  static final String ENDING = ".camel.yaml";

  /**
   * Reads and checks a feed file against its template.
   *
   * @param templates the folder of route templates
   * @throws FeedException naming the line
   */
  static FeedFile read(Path file, Path templates) {
    String name = file.getFileName().toString().replace(ENDING, "");
    Node root = compose(file);
    MappingNode route = templatedRoute(root);
    Map<String, Node> fields = fields(route);
    for (String field : fields.keySet()) {
      if (!List.of("routeTemplateRef", "routeId", "parameters").contains(field)) {
        throw at(
            fields.get(field),
            "\""
                + field
                + "\" does not belong here; only routeTemplateRef, routeId and parameters do");
      }
    }
    String template = text(required(fields, "routeTemplateRef", route));
    String routeId = text(required(fields, "routeId", route));
    if (!routeId.equals(name)) {
      throw at(
          required(fields, "routeId", route),
          "routeId must be the file's name, \"" + name + "\", but is \"" + routeId + "\"");
    }
    Map<String, Node> parameters = parameters(required(fields, "parameters", route));
    checkAgainst(templates.resolve(template + ENDING), template, parameters, route);
    Map<String, String> values = new LinkedHashMap<>();
    parameters.forEach((parameter, value) -> values.put(parameter, text(value)));
    if (!name.equals(values.get("feed"))) {
      throw at(
          parameters.getOrDefault("feed", route),
          "the parameter \"feed\" must be the file's name, \"" + name + "\"");
    }
    FeedFile read = new FeedFile(name, template, values);
    read.checkValues(parameters);
    return read;
  }

  /**
   * Refuses another practice or another PMS than a running feed has: what was read before is stored
   * under the former names, and how far the feed has read says nothing about another PMS.
   */
  void requireSameRecords(FeedFile running) {
    for (String parameter : List.of("practice", "source")) {
      String before = running.parameters.get(parameter);
      if (!Objects.equals(before, parameters.get(parameter))) {
        throw new FeedException(
            "a feed keeps its "
                + parameter
                + ", \""
                + before
                + "\", because what it has read is stored under it; make a new feed file instead");
      }
    }
  }

  /** What a feed file says of a PMS that is read with SQL, its placeholders filled in. */
  static FeedDefinition definition(Map<String, String> filled) {
    FeedDefinition definition = new FeedDefinition();
    Map<String, java.util.function.Consumer<String>> setters =
        Map.of(
            "feed", definition::setFeed,
            "practice", definition::setPractice,
            "source", definition::setSource,
            "mappings", definition::setMappings,
            "zone", definition::setZone,
            "officeZone", definition::setOfficeZone,
            "records", definition::setRecords,
            "dialect", definition::setDialect,
            "clock", definition::setClock);
    setters.forEach(
        (parameter, setter) -> {
          String value = filled.get(parameter);
          if (value != null) {
            setter.accept(value);
          }
        });
    return definition;
  }

  /** Tries the parameters that the engine itself reads; placeholders cannot be tried. */
  private void checkValues(Map<String, Node> nodes) {
    FeedDefinition trial = new FeedDefinition();
    check(nodes, "zone", trial::setZone);
    check(nodes, "poll", trial::setPoll);
    check(nodes, "overlap", trial::setOverlap);
    check(nodes, "compareAt", trial::setCompareAt);
    check(nodes, "records", trial::setRecords);
    check(nodes, "dialect", trial::setDialect);
    check(nodes, "lookBack", trial::setLookBack);
    check(nodes, "paging", trial::setPaging);
    check(nodes, "officeZone", trial::setOfficeZone);
    check(nodes, "folder", trial::setFolder);
    check(nodes, "settle", trial::setSettle);
    check(nodes, "complete", trial::setComplete);
    SenderProof proof = new SenderProof();
    check(nodes, "proof", proof::setBy);
    check(nodes, "tolerance", proof::setTolerance);
    for (String parameter : parameters.keySet()) {
      if (FeedFileView.isSecret(parameter) && !isFile(parameter)) {
        check(nodes, parameter, value -> requirePlaceholder(parameter, value));
      }
    }
    if (PASSWORD_IN_URL.matcher(parameters.getOrDefault("url", "")).find()) {
      throw at(
          nodes.get("url"),
          "url: holds a password; write a placeholder such as {{env:NAME}} in its place");
    }
    Hl7Agreement agreement = new Hl7Agreement();
    check(nodes, "charset", agreement::setCharset);
    check(nodes, "processingIds", agreement::setProcessingIds);
    check(nodes, "passedOver", agreement::setPassedOver);
    check(nodes, "port", Hl7Agreement::checkPort);
    check(nodes, "senders", new MllpAccess()::setSenders);
    check(nodes, "trustStore", store -> MllpAccess.checkStores(parameters.get("keyStore"), store));
    if (template.equals("open-dental-events")) {
      check(nodes, "pollFeed", trial::setPollFeed);
    }
    if (template.startsWith("fhir-")) {
      check(nodes, "url", trial::setUrl);
      check(nodes, "bulk", trial::setBulk);
      check(nodes, "history", trial::setHistory);
      check(nodes, "sorted", trial::setSorted);
      check(nodes, "encounters", trial::setEncounters);
      check(nodes, "pollFeed", trial::setPollFeed);
      check(nodes, "tokenUrl", FeedFile::requireAddress);
    }
    check(
        nodes,
        "pageSize",
        size -> {
          try {
            trial.setPageSize(Integer.parseInt(size));
          } catch (NumberFormatException e) {
            throw new IllegalArgumentException("pageSize: must be a whole number", e);
          }
        });
  }

  private static void requireAddress(String url) {
    if (!url.isEmpty() && !url.matches("(?i)https?://[^/?#\\s]+\\S*")) {
      throw new IllegalArgumentException("tokenUrl: must be an http or https address");
    }
  }

  /** Names of files with keys are none of them. */
  private static boolean isFile(String parameter) {
    return parameter.equals("keyStore");
  }

  private static void requirePlaceholder(String parameter, String value) {
    if (!value.isEmpty()) {
      throw new IllegalArgumentException(
          parameter + ": write a placeholder such as {{env:NAME}}, never the secret itself");
    }
  }

  private void check(
      Map<String, Node> nodes, String parameter, java.util.function.Consumer<String> setter) {
    String value = parameters.get(parameter);
    if (value == null || value.contains("{{")) {
      return;
    }
    try {
      setter.accept(value);
    } catch (IllegalArgumentException e) {
      throw at(nodes.get(parameter), String.valueOf(e.getMessage()));
    }
  }

  private static void checkAgainst(
      Path templateFile, String template, Map<String, Node> parameters, Node route) {
    if (!Files.isRegularFile(templateFile)) {
      throw at(
          route,
          "there is no route template \"" + template + "\"; see the files in routes/templates");
    }
    Node templateNode = fields(item(compose(templateFile), "routeTemplate")).get("parameters");
    Map<String, Boolean> known = new LinkedHashMap<>();
    if (templateNode instanceof SequenceNode list) {
      for (Node entry : list.getValue()) {
        Map<String, Node> declared = fields(entry);
        Node name = declared.get("name");
        if (name != null) {
          Node required = declared.get("required");
          known.put(text(name), required == null || text(required).equals("true"));
        }
      }
    }
    for (Map.Entry<String, Node> given : parameters.entrySet()) {
      if (!known.containsKey(given.getKey())) {
        throw at(
            given.getValue(),
            "unknown parameter \""
                + given.getKey()
                + "\"; "
                + template
                + " has "
                + new TreeSet<>(known.keySet()));
      }
    }
    known.forEach(
        (parameter, required) -> {
          if (required && !parameters.containsKey(parameter)) {
            throw at(
                route, "the parameter \"" + parameter + "\" is missing; " + template + " needs it");
          }
        });
  }

  private static Node compose(Path file) {
    String written;
    try {
      written = TextFile.read(file);
    } catch (IllegalArgumentException e) {
      throw new FeedException(String.valueOf(e.getMessage()));
    }
    try {
      LoaderOptions options = new LoaderOptions();
      options.setAllowDuplicateKeys(false);
      Node root = new Yaml(options).compose(new StringReader(written));
      if (root == null) {
        throw new FeedException("the file is empty; a feed is one templatedRoute");
      }
      return root;
    } catch (MarkedYAMLException e) {
      String line =
          e.getProblemMark() == null ? "" : "line " + (e.getProblemMark().getLine() + 1) + ": ";
      throw new FeedException(line + "this is not YAML: " + e.getProblem());
    } catch (ReaderException e) {
      long line = 1 + written.codePoints().limit(e.getPosition()).filter(c -> c == '\n').count();
      throw new FeedException(
          "line " + line + ": holds a control character, which no YAML does; take it out");
    }
  }

  private static MappingNode templatedRoute(Node root) {
    MappingNode route = item(root, "templatedRoute");
    if (root instanceof SequenceNode list && list.getValue().size() > 1) {
      throw at(list.getValue().get(1), "a feed file holds one templatedRoute and nothing else");
    }
    return route;
  }

  private static MappingNode item(Node root, String kind) {
    if (root instanceof SequenceNode list
        && !list.getValue().isEmpty()
        && list.getValue().get(0) instanceof MappingNode item
        && fields(item).get(kind) instanceof MappingNode found) {
      return found;
    }
    throw at(root, "must begin with \"- " + kind + ":\"");
  }

  private static Map<String, Node> parameters(Node node) {
    if (!(node instanceof SequenceNode list)) {
      throw at(node, "parameters must be a list of name and value");
    }
    Map<String, Node> parameters = new LinkedHashMap<>();
    for (Node entry : list.getValue()) {
      Map<String, Node> pair = fields(entry);
      Node name = pair.get("name");
      Node value = pair.get("value");
      if (name == null || value == null) {
        throw at(entry, "a parameter has a name and a value");
      }
      if (parameters.put(text(name), value) != null) {
        throw at(entry, "the parameter \"" + text(name) + "\" is given twice");
      }
    }
    return parameters;
  }

  private static Map<String, Node> fields(Node node) {
    Map<String, Node> fields = new HashMap<>();
    if (node instanceof MappingNode mapping) {
      for (NodeTuple tuple : mapping.getValue()) {
        if (tuple.getKeyNode() instanceof ScalarNode key) {
          fields.put(key.getValue(), tuple.getValueNode());
        }
      }
    }
    return fields;
  }

  private static Node required(Map<String, Node> fields, String name, Node where) {
    Node node = fields.get(name);
    if (node == null) {
      throw at(where, "\"" + name + "\" is missing");
    }
    return node;
  }

  private static String text(Node node) {
    if (node instanceof ScalarNode scalar) {
      return scalar.getValue();
    }
    throw at(node, "must be a single value");
  }

  private static FeedException at(@Nullable Node node, String problem) {
    String line =
        node == null || node.getStartMark() == null
            ? ""
            : "line " + (node.getStartMark().getLine() + 1) + ": ";
    return new FeedException(line + problem);
  }
}
