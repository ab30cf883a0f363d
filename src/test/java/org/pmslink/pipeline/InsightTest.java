package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.linking.Explaining;
import org.pmslink.linking.Populations;
import org.pmslink.linking.ShadowRun;
import org.pmslink.linking.ShadowRun.Change;
import org.pmslink.matching.Comparison.Grade;
import org.pmslink.matching.MatchingRules;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.Duplicates.Finding;
import org.pmslink.membership.Duplicates.Kind;
import org.pmslink.membership.Members;
import org.pmslink.sample.OpenDentalServer;

/** What people are told about a practice: why, what if, and who stands there twice. */
@ExtendWith(Pipeline.class)
class InsightTest {
  private static final List<String> GIVEN =
      List.of("Robert", "Anna", "Olivia", "Henry", "Walter", "Ruth");

  private final Engine engine;
  private final OpenDentalServer pms;
  private final Someone ines = Someone.named("Ines", "Caldwell");
  private final Someone howard = Someone.named("Howard", "Brandt");

  InsightTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  @Nested
  class DuplicateRecords {

    private List<Finding> open(Office office) {
      Awaitility.await("everything of " + office.name + " is looked at")
          .atMost(Office.LONGEST)
          .pollInterval(Duration.ofMillis(50))
          .until(
              () ->
                  engine.bean(Duplicates.class).isComplete(office.id(), Kind.CHART)
                      && engine.bean(Duplicates.class).isComplete(office.id(), Kind.MEMBER));
      return engine.bean(Duplicates.class).open(office.name, 100);
    }

    @Test
    void areFoundInWhatWasThereAndInWhatComesAndCloseWhenTheyGo() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long one = office.chart(ines);
        long other = office.chart(ines);
        office.chart(howard);
        office.member("M1", howard);
        office.open();

        assertThat(open(office))
            .singleElement()
            .satisfies(
                finding -> {
                  assertThat(finding.kind()).isEqualTo(Kind.CHART);
                  assertThat(List.of(finding.one(), finding.other()))
                      .containsExactlyInAnyOrder("open-dental/" + one, "open-dental/" + other);
                  assertThat(finding.grade()).isEqualTo("CERTAIN");
                });

        office.member("M2", howard);
        office.awaitSettled();
        assertThat(open(office)).extracting(Finding::kind).contains(Kind.CHART, Kind.MEMBER);

        office.edit("delete from patient where PatNum = ?", other);
        office.compare();
        engine.bean(Members.class).remove(office.name, "M2", "ana", "moved away");
        office.awaitSettled();
        assertThat(open(office)).isEmpty();
      }
    }

    @Test
    void thatAPersonHasToldApartAreNeverFoundAgain() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long one = office.chart(ines);
        office.chart(ines);
        office.open();
        Finding finding = open(office).get(0);

        assertThat(
                engine
                    .bean(Duplicates.class)
                    .tellApart(office.name, finding.id(), "maria", "twins, really"))
            .isTrue();
        office.edit("update patient set City = 'Dublin' where PatNum = ?", one);
        office.sync();

        assertThat(open(office)).isEmpty();
      }
    }
  }

  @Test
  void anExplanationSaysWhatWasDecidedAndWhatWouldBe() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.member("M2", howard);
      office.open();
      Explaining explaining = engine.bean(Explaining.class);

      Explaining.Answer linked =
          explaining.explain(office.name, "open-dental", String.valueOf(chart), "M1");
      Explaining.Answer strangers =
          explaining.explain(office.name, "open-dental", String.valueOf(chart), "M2");

      assertThat(linked.standing().orElseThrow().outcome()).isEqualTo("LINKED");
      assertThat(linked.kept()).hasSize(1).allSatisfy(kept -> assertThat(kept.same()).isTrue());
      assertThat(linked.now().explanation().comparison().grade()).isEqualTo(Grade.CERTAIN);
      assertThat(linked.now().explanation().words()).startsWith("Same first name");
      assertThat(strangers.kept()).isEmpty();
      assertThat(strangers.now().explanation().comparison().grade()).isEqualTo(Grade.CERTAINLY_NOT);
      assertThatThrownBy(() -> explaining.explain(office.name, "open-dental", "99999", "M1"))
          .hasMessage("there is no patient 99999 in open-dental");
      assertThatThrownBy(
              () -> explaining.explain(office.name, "open-dental", String.valueOf(chart), "M9"))
          .hasMessage("there is no member M9");
    }
  }

  @Test
  void aShadowRunTellsWhatWouldChangeAndTouchesNothing() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long linked = office.chart(ines);
      office.chart(howard);
      office.member("M1", ines);
      office.open();
      String before = office.snapshot();
      List<ShadowRun.Changed> changes = new ArrayList<>();
      MatchingRules strict =
          MatchingRules.parse(
              "strict",
              MatchingRules.shipped()
                  .text()
                  .replaceFirst("\n  certain: \\d+\n  certain_p", "\n  certain: 140\n  certain_p"));

      ShadowRun.Report same =
          engine.bean(ShadowRun.class).run(office.name, MatchingRules.shipped(), changes::add);
      assertThat(changes).isEmpty();
      assertThat(same.charts()).containsExactly(java.util.Map.entry(Change.NONE, 2));
      ShadowRun.Report report = engine.bean(ShadowRun.class).run(office.name, strict, changes::add);

      assertThat(report.charts())
          .containsOnly(
              java.util.Map.entry(Change.NONE, 1), java.util.Map.entry(Change.LINK_IN_DOUBT, 1));
      assertThat(changes)
          .singleElement()
          .satisfies(
              change -> {
                assertThat(change.sourceId()).isEqualTo(String.valueOf(linked));
                assertThat(change.then()).isEqualTo("REVIEW NOT_CERTAIN");
                assertThat(change.member()).isEqualTo("M1");
              });
      assertThat(office.snapshot()).isEqualTo(before);
      assertThat(office.memberOf(linked)).isEqualTo("M1");
    }
  }

  @Test
  void whatIsSeenAndDecidedOnTheCommandLineStandsInTheAudit() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      String id = String.valueOf(chart);
      String there = "--practice=" + office.name;

      Shell seen = Shell.run(engine, "explain", id, "M1", there);
      String versions =
          seen.output()
              .lines()
              .filter(line -> line.startsWith("versions of patient and member: "))
              .map(line -> line.substring(line.lastIndexOf(' ') + 1))
              .findFirst()
              .orElseThrow();
      Shell outdated =
          Shell.run(
              engine,
              "verdict",
              id,
              "M1",
              "not-same",
              "--by=maria",
              "--reason=twins",
              "--seen=0/1",
              there);
      assertThat(outdated.status()).isEqualTo(1);
      assertThat(outdated.output()).contains("not as they were seen", versions);
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      Shell decided =
          Shell.run(
              engine,
              "verdict",
              id,
              "M1",
              "not-same",
              "--by=maria",
              "--reason=twins",
              "--seen=" + versions,
              there);
      assertThat(decided.output()).contains("decided on their versions " + versions);
      Shell refused =
          Shell.run(engine, "verdict", id, "M9", "same", "--by=maria", "--reason=asked her", there);
      Shell listed = Shell.run(engine, "duplicates", there);

      assertThat(List.of(seen.status(), decided.status(), refused.status(), listed.status()))
          .as(decided.output())
          .containsExactly(0, 0, 1, 0);
      assertThat(office.memberOf(chart)).isEmpty();
      String pair = "M1 and open-dental/" + id;
      assertThat(
              engine
                  .store()
                  .queryForList(
                      "select action || ' ' || detail from audit where practice_id = ?"
                          + " and actor = ? order by id",
                      String.class,
                      office.id(),
                      "cli:" + System.getProperty("user.name")))
          .containsExactly(
              "explained " + pair,
              "told apart " + pair + " by maria",
              "listed duplicates 0 findings");
    }
  }

  /** Of as many people as an estimate needs, a fifth of whom the office has misspelt. */
  @Test
  void rulesAreTunedToWhatTheStoreHasOfAPractice(@TempDir Path folder) throws Exception {
    try (Office office = Office.at(engine, pms)) {
      List<Members.NewMember> members = new ArrayList<>();
      List<Object[]> charts = new ArrayList<>();
      for (int i = 0; i < 600; i++) {
        String family = "Fam" + (char) ('a' + i % 25) + (char) ('a' + i / 25) + "er";
        Someone who = Someone.named(GIVEN.get(i % GIVEN.size()), family);
        members.add(new Members.NewMember("M" + i, who.typed("M" + i)));
        charts.add(
            new Object[] {
              i % 5 == 0 ? family.replace("Fam", "Fan") : family,
              who.given(),
              who.birthDate(),
              who.mobile(),
              who.email(),
              who.city()
            });
      }
      office
          .pms()
          .batchUpdate(
              "insert into patient (LName, FName, Birthdate, WirelessPhone, Email, City)"
                  + " values (?, ?, ?, ?, ?, ?)",
              charts);
      engine.bean(Members.class).add(office.name, members);
      office.open();
      String before = office.snapshot();
      Path proposed = folder.resolve("proposed.yaml");
      Path report = folder.resolve("report.csv");

      Shell tuned =
          Shell.run(
              engine,
              "tune",
              "--practice=" + office.name,
              "--out=" + proposed,
              "--report=" + report);

      assertThat(tuned.status()).as(tuned.output()).isZero();
      String now = MatchingRules.shipped().version();
      assertThat(tuned.output())
          .contains("Estimated from 600 patients, 600 members; ")
          .containsPattern("family +typo +0.04 -> 0\\.[1-9]\\d* ")
          .contains("rules " + MatchingRules.read(proposed).version() + " on everything stored")
          .contains("Rules " + now + " now, ")
          .doesNotContain("Fam");
      assertThat(report).content().startsWith("source,patient_id,change,now,then,member_id,score");
      assertThat(office.snapshot()).as("nothing was touched").isEqualTo(before);

      Shell unknown =
          Shell.run(engine, "tune", "--practice=nowhere", "--out=" + folder.resolve("no.yaml"));
      assertThat(unknown.status()).isEqualTo(1);
      assertThat(unknown.output()).contains("there is no practice \"nowhere\"; known are ");
      assertThat(folder.resolve("no.yaml")).doesNotExist();

      Path own = engine.mappings().resolve("matching." + office.name + ".yaml");
      try {
        assertThat(Shell.run(engine, "tune", "--adopt=" + proposed, "--rules=" + own).status())
            .isZero();
        Awaitility.await("the engine takes the rules up for this practice alone")
            .atMost(Office.LONGEST)
            .until(
                () -> engine.bean(Populations.class).rules(office.name).version(),
                MatchingRules.read(proposed).version()::equals);
      } finally {
        Files.deleteIfExists(own);
      }
    }
  }
}
