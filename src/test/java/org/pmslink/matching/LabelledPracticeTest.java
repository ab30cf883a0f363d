package org.pmslink.matching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.pmslink.matching.Decision.Link;
import org.pmslink.matching.Decision.Review;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.RecordJson;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.SourcePatient.SourceAddress;
import org.pmslink.patient.SourcePatient.SourcePhone;

/**
 * Measures the matcher on the labelled practice that lies beside the project on our own machines.
 * The figures go to standard output; what fails the build is a link between two people.
 */
class LabelledPracticeTest {
  private static final Path PRACTICE = Path.of("..", "shared", "data", "matching", "dental-dev");

  @BeforeAll
  static void needsTheLabelledPractice() {
    boolean there = Files.isDirectory(PRACTICE);
    if (!there) {
      System.out.println("Skipped: no labelled practice beside the project");
    }
    assumeTrue(there, "no labelled practice beside the project");
  }

  @Test
  void linksNoTwoPeople() {
    Filed patients = Filed.read(PRACTICE.resolve("pms_patients.csv"));
    Filed members = Filed.read(PRACTICE.resolve("members.csv"));
    Map<String, Map<String, String>> truth = truth();
    NameCounts.Counter counter = new NameCounts.Counter();
    patients.people.all().values().forEach(counter::add);
    PracticeMatcher matcher =
        new PracticeMatcher(MatchingRules.shipped(), counter.counts(patients.people.size()));
    Practice practice = FiledPeople.practice(patients.people, members.people);

    int retrieved = 0;
    int matches = 0;
    for (Map.Entry<String, Map<String, String>> row : truth.entrySet()) {
      for (Map.Entry<String, String> pair : row.getValue().entrySet()) {
        if (pair.getValue().equals("match")) {
          matches++;
          retrieved += patients.sharesKey(row.getKey(), members, pair.getKey()) ? 1 : 0;
        }
      }
    }
    long start = System.nanoTime();
    Map<String, Decision> decided = new TreeMap<>();
    decide(matcher, practice, patients.people, 500)
        .forEach((id, decision) -> decided.put(patients.name(id), decision));
    long took = System.nanoTime() - start;

    Map<String, Integer> linked = new TreeMap<>();
    Map<String, Integer> shown = new TreeMap<>();
    Map<String, Integer> outcomes = new TreeMap<>();
    List<String> falseLinks = new ArrayList<>();
    Set<String> found = new HashSet<>();
    decided.forEach(
        (patient, decision) -> {
          if (decision instanceof Link link) {
            String member = members.name(link.match().candidateId());
            String label = label(truth, patient, member);
            linked.merge(label, 1, Integer::sum);
            outcomes.merge("link", 1, Integer::sum);
            found.add(patient + " " + member);
            if (!label.equals("match") && !label.equals("review")) {
              falseLinks.add(patient + " " + member);
            }
          } else if (decision instanceof Review review) {
            outcomes.merge("review " + review.reason(), 1, Integer::sum);
            for (Decision.Match match : review.shortlist()) {
              String member = members.name(match.candidateId());
              shown.merge(label(truth, patient, member), 1, Integer::sum);
              found.add(patient + " " + member);
            }
          } else if (decision instanceof Decision.Unmatched unmatched) {
            outcomes.merge("unmatched " + unmatched.reason(), 1, Integer::sum);
          }
        });
    int lost = 0;
    for (Map.Entry<String, Map<String, String>> row : truth.entrySet()) {
      for (Map.Entry<String, String> pair : row.getValue().entrySet()) {
        lost +=
            pair.getValue().equals("match") && !found.contains(row.getKey() + " " + pair.getKey())
                ? 1
                : 0;
      }
    }
    System.out.printf(
        "decided about %d charts in %d ms; %.1f keys each%n",
        patients.people.size(), took / 1_000_000, patients.people.keysEach());
    System.out.printf("blocking retrieves %d of %d matches; %d lost%n", retrieved, matches, lost);
    System.out.println("decisions          " + outcomes);
    System.out.println("links by label     " + linked);
    System.out.println("shown by label     " + shown);
    System.out.println("false links        " + falseLinks);
    assertThat(falseLinks).isEmpty();
    assertThat(retrieved / (double) matches).isGreaterThanOrEqualTo(0.999);
  }

  private static Map<Long, Decision> decide(
      PracticeMatcher matcher, Practice practice, FiledPeople charts, int atOnce) {
    Map<Long, Decision> decided = new TreeMap<>();
    List<PracticeMatcher.Subject> batch = new ArrayList<>();
    charts
        .all()
        .forEach(
            (id, person) -> {
              batch.add(new PracticeMatcher.Subject(id, person, null));
              if (batch.size() == atOnce || id == charts.size()) {
                List<Decision> decisions = matcher.decide(practice, batch);
                for (int i = 0; i < batch.size(); i++) {
                  decided.put(batch.get(i).number(), decisions.get(i));
                }
                batch.clear();
              }
            });
    return decided;
  }

  @Test
  void theSizeOfABatchChangesNothing() {
    Filed patients = Filed.read(PRACTICE.resolve("pms_patients.csv"));
    Filed members = Filed.read(PRACTICE.resolve("members.csv"));
    PracticeMatcher matcher = new PracticeMatcher(MatchingRules.shipped(), NameCounts.NONE);
    Practice practice = FiledPeople.practice(patients.people, members.people);

    assertThat(decide(matcher, practice, patients.people, 7))
        .isEqualTo(decide(matcher, practice, patients.people, 1_000));
  }

  @Test
  void everyDecisionCanBeRepeatedFromWhatItStoodOn() {
    Filed patients = Filed.read(PRACTICE.resolve("pms_patients.csv"));
    Filed members = Filed.read(PRACTICE.resolve("members.csv"));
    NameCounts.Counter counter = new NameCounts.Counter();
    patients.people.all().values().forEach(counter::add);
    PracticeMatcher matcher =
        new PracticeMatcher(MatchingRules.shipped(), counter.counts(patients.people.size()));
    Practice practice = FiledPeople.practice(patients.people, members.people);
    List<Decision.Match> repeated = new ArrayList<>();
    decide(matcher, practice, patients.people, 500)
        .forEach(
            (id, decision) -> {
              for (Decision.Match match : matches(decision)) {
                Facts kept = RecordJson.read(RecordJson.write(match.facts()), Facts.class);
                assertThat(
                        PracticeMatcher.repeat(
                            MatchingRules.shipped(),
                            kept,
                            patients.people.get(id),
                            members.people.get(match.candidateId())))
                    .isEqualTo(match.comparison());
                repeated.add(match);
              }
            });
    assertThat(repeated).hasSizeGreaterThan(2_000);
  }

  private static List<Decision.Match> matches(Decision decision) {
    List<Decision.Match> matches = new ArrayList<>();
    if (decision instanceof Link link) {
      matches.add(link.match());
      matches.addAll(link.others());
    } else if (decision instanceof Review review) {
      matches.addAll(review.shortlist());
    }
    return matches;
  }

  private static String label(
      Map<String, Map<String, String>> truth, String patient, String member) {
    return truth.getOrDefault(patient, Map.of()).getOrDefault(member, "unlisted");
  }

  private static Map<String, Map<String, String>> truth() {
    Map<String, Map<String, String>> truth = new HashMap<>();
    for (Map<String, String> row : rows(PRACTICE.resolve("truth.csv"))) {
      truth
          .computeIfAbsent(row.getOrDefault("pms_id", ""), id -> new HashMap<>())
          .put(row.getOrDefault("member_id", ""), row.getOrDefault("label", ""));
    }
    return truth;
  }

  private static List<Map<String, String>> rows(Path file) {
    try {
      List<String> lines = Files.readAllLines(file, StandardCharsets.UTF_8);
      List<String> header = cells(lines.get(0));
      List<Map<String, String>> rows = new ArrayList<>();
      for (String line : lines.subList(1, lines.size())) {
        List<String> cells = cells(line);
        Map<String, String> row = new HashMap<>();
        for (int i = 0; i < header.size() && i < cells.size(); i++) {
          row.put(header.get(i), cells.get(i));
        }
        rows.add(row);
      }
      return rows;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> cells(String line) {
    List<String> cells = new ArrayList<>();
    StringBuilder cell = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (c == '"') {
        quoted = !quoted;
        // Two quotes inside a quoted cell are one.
        if (quoted && !cell.isEmpty()) {
          cell.append('"');
        }
      } else if (c == ',' && !quoted) {
        cells.add(cell.toString());
        cell.setLength(0);
      } else {
        cell.append(c);
      }
    }
    cells.add(cell.toString());
    return cells;
  }

  /** The records of a file, by the names that they have there. */
  private static final class Filed {
    private final FiledPeople people = new FiledPeople();
    private final Map<Long, String> names = new HashMap<>();
    private final Map<String, Long> ids = new HashMap<>();

    static Filed read(Path file) {
      PatientNormalizer normalizer = new PatientNormalizer(nine -> "hash of " + nine);
      Filed side = new Filed();
      for (Map<String, String> row : rows(file)) {
        long id = side.people.add(normalizer.normalize(source(row), ZoneOffset.UTC).person());
        side.names.put(id, row.getOrDefault("id", ""));
        side.ids.put(row.getOrDefault("id", ""), id);
      }
      return side;
    }

    private static SourcePatient source(Map<String, String> row) {
      return SourcePatient.person(
          row.get("id"),
          row.get("family"),
          row.get("given"),
          row.get("middle"),
          row.get("suffix"),
          row.get("preferred"),
          row.get("birth_date"),
          row.get("sex"),
          row.get("ssn"),
          List.of(
              new SourcePhone("home", row.get("phone_home")),
              new SourcePhone("mobile", row.get("phone_mobile")),
              new SourcePhone("work", row.get("phone_work"))),
          List.of(row.getOrDefault("email", "")),
          new SourceAddress(
              row.get("line1"),
              row.get("line2"),
              row.get("city"),
              row.get("state"),
              row.get("postal_code"),
              row.get("country")),
          row.get("guarantor_id"));
    }

    boolean sharesKey(String name, Filed other, String otherName) {
      return people.sharesKey(
          ids.getOrDefault(name, 0L), other.people, other.ids.getOrDefault(otherName, 0L));
    }

    String name(long id) {
      return names.getOrDefault(id, "");
    }
  }
}
