package org.pmslink.console;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.feed.FeedStates;
import org.pmslink.feed.RawSample;
import org.pmslink.linking.TrialDecisions;
import org.pmslink.mapping.MappedSample;
import org.pmslink.mapping.Mapping;
import org.pmslink.mapping.MappingException;
import org.pmslink.mapping.Mappings;
import org.pmslink.matching.Explanation;
import org.pmslink.membership.Charts;
import org.pmslink.patient.InvalidRecordException;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.RecordJson;
import org.pmslink.practice.Practices;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;

/**
 * The bench: what a mapping makes of a sample that somebody pastes, which is kept and logged
 * nowhere. What would be decided about it tells who is a member, so it is for those who may see
 * patients as well.
 */
@Controller
@ConditionalOnWebApplication
@RequestMapping("/console/{practice}/bench")
class BenchPages {
  private static final int LONGEST_SAMPLE = 20_000;
  private static final int MOST_RECORDS = 5;

  private final Mappings mappings;
  private final TrialDecisions decisions;
  private final Charts charts;
  private final FeedStates states;
  private final Practices practices;
  private final Audit audit;

  BenchPages(
      Mappings mappings,
      TrialDecisions decisions,
      Charts charts,
      FeedStates states,
      Practices practices,
      Audit audit) {
    this.mappings = mappings;
    this.decisions = decisions;
    this.charts = charts;
    this.states = states;
    this.practices = practices;
    this.audit = audit;
  }

  /**
   * What became of one record.
   *
   * @param problem why nothing became of it; absent when something did
   */
  record Outcome(
      @Nullable String problem,
      String record,
      List<List<String>> origins,
      String unused,
      @Nullable String flags,
      @Nullable Decided decided) {}

  /** What would be decided about it. */
  record Decided(
      String outcome,
      String reason,
      @Nullable String member,
      @Nullable Explanation why,
      List<SideBySide.Bar> bars) {}

  @GetMapping
  @Needs(Right.CHANGE_FEEDS)
  String bench(@PathVariable String practice, Model model) {
    return page(practice, "", "UTC", "", model);
  }

  @PostMapping
  @Needs(Right.CHANGE_FEEDS)
  String tryOut(
      @PathVariable String practice,
      @RequestParam(defaultValue = "") String mapping,
      @RequestParam(defaultValue = "UTC") String zone,
      @RequestParam(defaultValue = "") String sample,
      @RequestParam(defaultValue = "false") boolean match,
      HttpServletRequest request,
      Model model) {
    Visit visit = Visit.of(request);
    boolean decide = match && visit.may(Right.SEE_PATIENTS);
    try {
      if (!offered(practice).contains(mapping)) {
        throw new IllegalArgumentException("Choose a mapping.");
      }
      if (sample.isBlank() || sample.length() > LONGEST_SAMPLE) {
        throw new IllegalArgumentException(
            sample.isBlank()
                ? "Paste a raw record."
                : "The sample has more than " + LONGEST_SAMPLE + " characters.");
      }
      List<JsonNode> records = RawSample.read(sample, mapping);
      if (records.size() > MOST_RECORDS) {
        throw new IllegalArgumentException(
            "These are " + records.size() + " records; try " + MOST_RECORDS + " at a time.");
      }
      ZoneId in = ZoneId.of(zone.strip());
      Mapping compiled = mappings.get(mapping);
      audit.note(
          practice,
          visit.actor(),
          decide ? "tried a mapping and a match" : "tried a mapping",
          mapping + ", " + records.size() + (records.size() == 1 ? " record" : " records"));
      List<Outcome> outcomes = new ArrayList<>();
      for (JsonNode raw : records) {
        outcomes.add(outcome(practice, compiled, raw, in, decide));
      }
      model.addAttribute("outcomes", outcomes);
    } catch (DateTimeException e) {
      model.addAttribute("complaint", "That is no time zone; write it like America/New_York.");
    } catch (IllegalArgumentException | MappingException e) {
      model.addAttribute("complaint", e.getMessage());
    }
    return page(practice, mapping, zone, sample, model);
  }

  private String page(String practice, String mapping, String zone, String sample, Model model) {
    model.addAttribute("mappings", offered(practice));
    model.addAttribute("mapping", mapping);
    model.addAttribute("zone", zone);
    model.addAttribute("sample", sample);
    return "bench";
  }

  private Outcome outcome(
      String practice, Mapping mapping, JsonNode raw, ZoneId zone, boolean decide) {
    try {
      MappedSample mapped = MappedSample.of(mapping, raw, zone);
      List<List<String>> origins = new ArrayList<>();
      mapped
          .origins()
          .inputs()
          .forEach(
              (field, inputs) ->
                  origins.add(
                      List.of(
                          field,
                          inputs.isEmpty() ? "(set by itself)" : String.join(", ", inputs))));
      PatientRecord patient = mapped.patient();
      return new Outcome(
          null,
          RecordJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(mapped.record()),
          origins,
          String.join(", ", mapped.origins().unused()),
          patient == null
              ? null
              : patient.qualityFlags().stream().map(Enum::name).collect(Collectors.joining(", ")),
          patient == null || !decide ? null : decided(practice, patient));
    } catch (MappingException | InvalidRecordException e) {
      return new Outcome(e.getMessage(), "", List.of(), "", null, null);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a canonical record can be written", e);
    }
  }

  /** As of the practice's first PMS; it has more than one at most while it changes it. */
  private Decided decided(String practice, PatientRecord patient) {
    List<String> sources = charts.sources(practices.id(practice));
    String source = sources.isEmpty() ? "" : sources.get(0);
    TrialDecisions.Trial trial = decisions.decide(practice, source, List.of(patient)).get(0);
    Explanation why =
        trial.member() == null
            ? null
            : decisions.explain(practice, source, patient, trial.member()).orElse(null);
    return new Decided(
        trial.outcome().name(),
        trial.reason(),
        trial.member(),
        why,
        why == null ? List.of() : SideBySide.bars(why.comparison()));
  }

  /**
   * Mappings to choose from. A folder that is called like another practice or one of its feeds is
   * theirs, and that they are there is nobody else's business.
   */
  private List<String> offered(String practice) {
    Set<String> theirs =
        states.all().stream()
            .filter(feed -> !feed.practice().equals(practice))
            .flatMap(feed -> Stream.of(feed.practice(), feed.feed()))
            .collect(Collectors.toSet());
    try (Stream<Path> folders = Files.list(mappings.folder())) {
      return folders
          .filter(Files::isDirectory)
          .map(folder -> folder.getFileName().toString())
          .filter(folder -> !theirs.contains(folder))
          .sorted()
          .flatMap(folder -> mappings.below(folder).stream())
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }
}
