package org.pmslink.matching;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.pmslink.patient.PatientNormalizer;
import org.pmslink.patient.Person;
import org.pmslink.patient.SourcePatient;
import org.pmslink.patient.SourcePatient.SourceAddress;
import org.pmslink.patient.SourcePatient.SourcePhone;
import org.pmslink.sample.PeopleFiles;

/**
 * What a pair and a record cost on one core: pairs that the keys retrieve among 20,000 invented
 * charts and 5,000 members, in the order in which {@code match} meets them. One thread, so pairs/s
 * are pairs/s per core.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 2, jvmArgsAppend = "-XX:+UseParallelGC")
public class ScorerBenchmark {
  private static final int CHARTS = 20_000;
  private static final int MEMBERS = 5_000;

  /** Enough that the branches are not learnt by heart. */
  private static final int MOST_PAIRS = 1 << 16;

  private Features[] lefts = new Features[0];
  private Features[] rights = new Features[0];
  private SourcePatient[] typed = new SourcePatient[0];
  private Person[] people = new Person[0];
  private PairScore score = new PairScore(MatchingRules.shipped(), nobody());
  private final PatientNormalizer normalizer = new PatientNormalizer(nine -> nine);
  private int at;

  private static Population nobody() {
    return new CountedPopulation(MatchingRules.shipped(), List.of(List.of()));
  }

  /** Makes the people and finds the pairs. */
  @Setup
  public void invent() {
    RecordSet left = new RecordSet();
    RecordSet right = new RecordSet();
    List<SourcePatient> rows = new ArrayList<>();
    PeopleFiles.twoSides(
        CHARTS,
        MEMBERS,
        row -> {
          rows.add(source(row));
          left.add(normalizer.person(source(row)));
        },
        row -> right.add(normalizer.person(source(row))));
    typed = rows.toArray(SourcePatient[]::new);
    people = rows.stream().map(normalizer::person).toArray(Person[]::new);
    MatchingRules rules = MatchingRules.shipped();
    score =
        new PairScore(
            rules, new CountedPopulation(rules, List.of(left.features(), right.features())));
    CandidateSearch search = new CandidateSearch(right.features(), rules.recordsPerKey);
    CandidateSearch.Found found = new CandidateSearch.Found(right.size());
    List<Features> a = new ArrayList<>();
    List<Features> b = new ArrayList<>();
    for (Features subject : left.features()) {
      search.find(subject, found);
      for (int c = 0; c < found.size() && a.size() < MOST_PAIRS; c++) {
        a.add(subject);
        b.add(right.features().get(found.number(c)));
      }
    }
    lefts = a.toArray(Features[]::new);
    rights = b.toArray(Features[]::new);
  }

  private static SourcePatient source(String[] row) {
    return SourcePatient.person(
        row[0],
        row[1],
        row[2],
        row[3],
        null,
        null,
        row[4],
        row[5],
        row[6],
        List.of(new SourcePhone("home", row[7]), new SourcePhone("mobile", row[8])),
        List.of(row[9]),
        new SourceAddress(row[10], row[11], row[12], row[13], row[14], null),
        null);
  }

  /**
   * Share of an iteration in which the thread had a core, added up over the iterations: on a busy
   * machine a pair costs that share of what it took.
   */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.EVENTS)
  public static class CpuShare {
    private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

    /** Of one iteration, 0 to 1. */
    public double cpuShare;

    private long cpu;
    private long wall;

    /** Begins an iteration. */
    @Setup(Level.Iteration)
    public void begin() {
      cpu = CLOCK.getCurrentThreadCpuTime();
      wall = System.nanoTime();
    }

    /** Ends it. */
    @TearDown(Level.Iteration)
    public void end() {
      cpuShare = (CLOCK.getCurrentThreadCpuTime() - cpu) / (double) (System.nanoTime() - wall);
    }
  }

  private int next(int length) {
    at = at + 1 < length ? at + 1 : 0;
    return at;
  }

  /** Every field of a pair, whatever comes out. */
  @Benchmark
  public double compareFully(CpuShare cpu) {
    int i = next(lefts.length);
    score.compareFully(lefts[i], rights[i]);
    return score.score();
  }

  /** As {@code match} does it: hopeless pairs are left half compared. */
  @Benchmark
  public double compare(CpuShare cpu) {
    int i = next(lefts.length);
    score.compare(lefts[i], rights[i]);
    return score.score();
  }

  /** Cleaning one row. */
  @Benchmark
  public Person normalize(CpuShare cpu) {
    return normalizer.person(typed[next(typed.length)]);
  }

  /** Folding one person into what is compared, and its blocking keys. */
  @Benchmark
  public int featuresAndKeys(CpuShare cpu) {
    return CandidateSearch.keys(Features.of(people[next(people.length)])).length;
  }
}
