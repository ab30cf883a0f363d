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
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.Decision.Link;
import org.pmslink.matching.Decision.Review;
import org.pmslink.matching.Matcher.Candidate;
import org.pmslink.matching.Matcher.Match;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.SourcePatient.SourceAddress;
import org.pmslink.patient.SourcePatient.SourcePhone;

/**
 * Measures the matcher on the labelled practice that lies beside the project on our own machines.
 * The figures go to standard output; what fails the build is a link between two people.
 */
class LabelledPracticeTest {
  private static final Path PRACTICE = Path.of("..", "shared", "data", "matching", "dental-dev");

  private final Matcher matcher = new CautiousMatcher();

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
    long start = System.nanoTime();
    Side patients = Side.read(PRACTICE.resolve("pms_patients.csv"), matcher);
    Side members = Side.read(PRACTICE.resolve("members.csv"), matcher);
    long normalised = System.nanoTime();
    Map<String, Map<String, String>> truth = truth();

    Map<String, Integer> linked = new TreeMap<>();
    Map<String, Integer> shown = new TreeMap<>();
    Map<String, Integer> certainPairs = new TreeMap<>();
    Map<String, Integer> decisions = new TreeMap<>();
    List<String> falseLinks = new ArrayList<>();
    long compared = 0;
    int retrievedMatches = 0;
    for (Candidate patient : patients.records.values()) {
      Collection<Candidate> candidates = members.sharingKeyWith(patient.id(), patients);
      compared += candidates.size();
      for (Candidate member : candidates) {
        String label = label(truth, patients.name(patient.id()), members.name(member.id()));
        if (label.equals("match")) {
          retrievedMatches++;
        }
        if (matcher.compare(patient.person(), member.person()).grade() == Grade.CERTAIN) {
          certainPairs.merge(label, 1, Integer::sum);
        }
      }
      Decision decision =
          matcher.decide(
              patient,
              candidates,
              member ->
                  patients.sharingKeyWith(member.id(), members).stream()
                      .filter(rival -> rival.id() != patient.id())
                      .toList());
      if (decision instanceof Link link) {
        String member = members.name(link.match().candidateId());
        String label = label(truth, patients.name(patient.id()), member);
        linked.merge(label, 1, Integer::sum);
        decisions.merge("link", 1, Integer::sum);
        if (!label.equals("match") && !label.equals("review")) {
          falseLinks.add(patients.name(patient.id()) + " " + member);
        }
      } else if (decision instanceof Review review) {
        decisions.merge("review " + review.reason(), 1, Integer::sum);
        for (Match match : review.shortlist()) {
          String label =
              label(truth, patients.name(patient.id()), members.name(match.candidateId()));
          shown.merge(label, 1, Integer::sum);
        }
      } else if (decision instanceof Decision.Unmatched unmatched) {
        decisions.merge("unmatched " + unmatched.reason(), 1, Integer::sum);
      }
    }
    long labelledMatches =
        truth.values().stream()
            .flatMap(pairs -> pairs.values().stream())
            .filter("match"::equals)
            .count();
    int records = patients.records.size() + members.records.size();
    System.out.printf(
        "read and filed %d records, %d us each; %.1f keys each%n",
        records, (normalised - start) / 1000 / records, patients.keysEach());
    System.out.printf(
        "compared %d pairs (%.1f a chart) in %d ms, twice and rivals included%n",
        compared,
        compared / (double) patients.records.size(),
        (System.nanoTime() - normalised) / 1_000_000);
    System.out.printf("blocking retrieves %d of %d matches%n", retrievedMatches, labelledMatches);
    System.out.println("decisions          " + decisions);
    System.out.println("certain pairs      " + certainPairs);
    System.out.println("links by label     " + linked);
    System.out.println("shown by label     " + shown);
    System.out.println("false links        " + falseLinks);
    assertThat(falseLinks).isEmpty();
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
    for (char c : line.toCharArray()) {
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

  /** The records of one side, filed under their blocking keys. */
  private static final class Side {
    private final Map<Long, Candidate> records = new LinkedHashMap<>();
    private final Map<Long, String> names = new HashMap<>();
    private final Map<Long, Set<Long>> keys = new HashMap<>();
    private final Map<Long, List<Candidate>> filed = new HashMap<>();

    static Side read(Path file, Matcher matcher) {
      PatientNormalizer normalizer = new PatientNormalizer(nine -> "hash of " + nine);
      Side side = new Side();
      for (Map<String, String> row : rows(file)) {
        long id = side.records.size() + 1L;
        SourcePatient source = source(row);
        Candidate record = new Candidate(id, normalizer.normalize(source, ZoneOffset.UTC).person());
        Set<Long> keys = matcher.blockingKeys(record.person());
        side.records.put(id, record);
        side.names.put(id, row.getOrDefault("id", ""));
        side.keys.put(id, keys);
        for (Long key : keys) {
          side.filed.computeIfAbsent(key, k -> new ArrayList<>()).add(record);
        }
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

    Collection<Candidate> sharingKeyWith(long id, Side other) {
      Map<Long, Candidate> found = new LinkedHashMap<>();
      for (Long key : other.keys.getOrDefault(id, new HashSet<>())) {
        for (Candidate candidate : filed.getOrDefault(key, List.of())) {
          found.put(candidate.id(), candidate);
        }
      }
      return found.values();
    }

    String name(long id) {
      return names.getOrDefault(id, "");
    }

    double keysEach() {
      return keys.values().stream().mapToInt(Set::size).average().orElse(0);
    }
  }
}
