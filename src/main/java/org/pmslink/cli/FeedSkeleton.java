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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;

/**
 * What {@code feed new} writes: for each kind of way in, a folder of our resources with a feed file
 * and a mapping folder, which hold NAME where the feed's name belongs. A kind is added by adding
 * its folder, and offered when its route template is there.
 */
final class FeedSkeleton {
  private static final String FOLDER = "org/pmslink/cli/feed-new/";
  private static final String FEED_FILE = "feed.camel.yaml";
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

  /**
   * Writes the files of a kind, and returns them.
   *
   * @throws IllegalArgumentException when one is there already; then nothing is written
   */
  List<Path> write(String kind, String name) throws IOException {
    Map<Path, String> files = new LinkedHashMap<>();
    for (Resource resource : resources(kind + "/**")) {
      String path = below(resource).substring(kind.length() + 1);
      if (!path.isEmpty() && !path.endsWith("/") && resource.isReadable()) {
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
