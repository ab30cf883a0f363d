package org.pmslink.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.pmslink.feed.DryRun;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;

/**
 * What {@code feed new} writes: for each kind of way in, a folder of our resources with a feed file
 * and a mapping folder, which hold NAME where the feed's name belongs. Where a standard says what
 * records look like, the mapping folder is a copy of one that ships with the engine, whose name is
 * in {@link #MAPPING_AS_IN}. A kind is added by adding its folder, and offered when its route
 * template is there.
 */
final class FeedSkeleton {
  private static final String FOLDER = "org/pmslink/cli/feed-new/";
  private static final String FEED_FILE = "feed.camel.yaml";
  private static final String MAPPING_AS_IN = "mapping-as-in";
  private static final Pattern TEMPLATE = Pattern.compile("routeTemplateRef:\\s*(\\S+)");

  private final Settings settings;

  FeedSkeleton(Settings settings) {
    this.settings = settings;
  }

  /** The kinds that can be written, for which there are templates. */
  List<String> kinds() throws IOException {
    List<String> kinds = new java.util.ArrayList<>();
    for (Resource feed : resources("*/" + FEED_FILE)) {
      Matcher template = TEMPLATE.matcher(text(feed));
      if (template.find()
          && Files.exists(
              settings.routes().resolve("templates").resolve(template.group(1) + ".camel.yaml"))) {
        kinds.add(below(feed).replace("/" + FEED_FILE, ""));
      }
    }
    kinds.sort(null);
    return kinds;
  }

  /** Whether the PMS is asked, so that one can try what it would answer. */
  boolean isAsked(String kind) throws IOException {
    for (Resource feed : resources(kind + "/" + FEED_FILE)) {
      Matcher template = TEMPLATE.matcher(text(feed));
      if (template.find()) {
        return DryRun.isAsked(settings.routes(), template.group(1));
      }
    }
    return false;
  }

  /**
   * Writes the files of a kind, and returns them.
   *
   * @throws IllegalArgumentException when one is there already; then nothing is written
   */
  List<Path> write(String kind, String name) throws IOException {
    Map<Path, String> files = new LinkedHashMap<>();
    for (Resource resource : resources(kind + "/**")) {
      String path = below(resource).substring(kind.length() + 1);
      if (path.equals(MAPPING_AS_IN)) {
        files.putAll(copies(text(resource).strip(), name));
      } else if (!path.isEmpty() && !path.endsWith("/") && resource.isReadable()) {
        String environment = name.toUpperCase(Locale.ROOT).replace('-', '_');
        files.put(
            place(path, name),
            text(resource).replace("ENVIRONMENT", environment).replace("NAME", name));
      }
    }
    for (Path file : files.keySet()) {
      if (Files.exists(file)) {
        throw new IllegalArgumentException(
            file + " is there already, and nothing was written; take another name or move it away");
      }
    }
    for (Map.Entry<Path, String> file : files.entrySet()) {
      Files.createDirectories(Objects.requireNonNull(file.getKey().getParent()));
      Files.writeString(file.getKey(), file.getValue());
    }
    return List.copyOf(files.keySet());
  }

  /** The files of a mapping folder that ships, but for what it says of itself. */
  private Map<Path, String> copies(String shipped, String name) throws IOException {
    Path folder = settings.mappings().resolve(shipped);
    if (!Files.isDirectory(folder)) {
      throw new IllegalArgumentException(
          folder + ", which comes along with PMS Link and is copied, is not there");
    }
    Map<Path, String> copies = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (!file.getFileName().toString().equals("README.md")) {
          copies.put(
              settings.mappings().resolve(name).resolve(folder.relativize(file)),
              Files.readString(file));
        }
      }
    }
    return copies;
  }

  private Path place(String path, String name) {
    return path.equals(FEED_FILE)
        ? settings.feeds().resolve(name + ".camel.yaml")
        : settings.mappings().resolve(name).resolve(path.replaceFirst("^mapping/", ""));
  }

  private static List<Resource> resources(String pattern) throws IOException {
    return Arrays.asList(
        new PathMatchingResourcePatternResolver(FeedSkeleton.class.getClassLoader())
            .getResources("classpath*:" + FOLDER + pattern));
  }

  private static String below(Resource resource) throws IOException {
    String url = resource.getURL().toString();
    return url.substring(url.indexOf(FOLDER) + FOLDER.length());
  }

  private static String text(Resource resource) throws IOException {
    return resource.getContentAsString(StandardCharsets.UTF_8);
  }
}
