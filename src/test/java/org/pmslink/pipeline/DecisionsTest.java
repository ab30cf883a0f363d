package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.matching.Comparison;
import org.pmslink.matching.MatchingRules;
import org.pmslink.matching.PracticeMatcher;
import org.pmslink.membership.Command;
import org.pmslink.membership.Verdicts;
import org.pmslink.membership.Verdicts.Verdict;
import org.pmslink.patient.RecordJson;
import org.pmslink.sample.OpenDentalServer;

/** What becomes of a decision when the practice around it changes, or a person decides. */
@ExtendWith(Pipeline.class)
class DecisionsTest {
  private final Engine engine;
  private final OpenDentalServer pms;
  private final Someone ines = Someone.named("Ines", "Caldwell");

  DecisionsTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  @Nested
  class LookedAtAgain {

    @Test
    void whenARivalAppearsAndWhenItGoes() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long chart = office.chart(ines);
        office.member("M1", ines);
        office.open();
        assertThat(office.memberOf(chart)).isEqualTo("M1");

        long rival = office.chart(ines);
        office.sync();

        assertThat(office.memberOf(chart)).as("never silently dropped").isEqualTo("M1");
        assertThat(office.flagOf(chart)).isEqualTo("DUPLICATE_CHARTS");
        assertThat(office.reviewOf(chart)).isEqualTo("DUPLICATE_CHARTS");
        assertThat(office.reviewOf(rival)).isEqualTo("DUPLICATE_CHARTS");

        office.edit("delete from patient where PatNum = ?", rival);
        office.compare();

        assertThat(office.flagOf(chart)).isEmpty();
        assertThat(office.reviewOf(chart)).isEmpty();
        assertThat(office.historyOf(chart))
            .containsExactly("MADE CERTAIN", "FLAGGED DUPLICATE_CHARTS", "UNFLAGGED certain again");
      }
    }

    @Test
    void whenTheRivalIsMergedIntoTheChart() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long chart = office.chart(ines);
        long rival = office.chart(ines);
        office.member("M1", ines);
        office.open();
        assertThat(office.memberOf(chart)).isEmpty();
        assertThat(office.reviewOf(chart)).isEqualTo("DUPLICATE_CHARTS");

        office.merge(rival, chart);
        office.sync();

        assertThat(office.memberOf(chart)).isEqualTo("M1");
        assertThat(office.reviewOf(chart)).isEmpty();
      }
    }

    @Test
    void whenATelephoneTurnsOutToBeTheFamilys() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        Someone unknownBirth =
            new Someone(ines.family(), ines.given(), "", ines.mobile(), ines.email(), "");
        long chart = office.chart(ines);
        office.member("M1", unknownBirth);
        office.open();
        assertThat(office.memberOf(chart)).as("contacts that she alone has").isEqualTo("M1");

        Someone robert = Someone.named("Robert", "Caldwell");
        office.chart(robert.withMobile(ines.mobile()).withEmail(ines.email()));
        office.sync();

        assertThat(office.memberOf(chart)).isEqualTo("M1");
        assertThat(office.flagOf(chart)).isEqualTo("NOT_CERTAIN");
      }
    }

    @Test
    void whenTheMemberThatStoodInTheWayIsRemoved() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long chart = office.chart(ines);
        office.member("M1", ines);
        office.member("M2", ines);
        office.open();
        assertThat(office.reviewOf(chart)).isEqualTo("DUPLICATE_MEMBERS");

        engine
            .bean(org.pmslink.membership.Members.class)
            .remove(office.name, "M2", "ana", "moved away");
        office.awaitSettled();

        assertThat(office.memberOf(chart)).isEqualTo("M1");
        assertThat(office.reviewOf(chart)).isEmpty();
      }
    }

    @Test
    void underNewRulesAndUnderTheOldOnesAgain() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long chart = office.chart(ines);
        office.member("M1", ines);
        office.open();
        String shipped = rulesOf(office);
        Path own = engine.mappings().resolve("matching." + office.name + ".yaml");

        Files.writeString(
            own, MatchingRules.shipped().text().replace("\n  certain: 14\n", "\n  certain: 140\n"));
        office.awaitRules(shipped, false);

        assertThat(office.memberOf(chart)).isEqualTo("M1");
        assertThat(office.flagOf(chart)).isEqualTo("NOT_CERTAIN");

        Files.delete(own);
        office.awaitRules(shipped, true);

        assertThat(office.flagOf(chart)).isEmpty();
        assertThat(office.count("select count(*) from matching_rules where practice_id = ?"))
            .as("both are kept")
            .isEqualTo(2);
      }
    }
  }

  @Test
  void keysOfAnotherReleaseAreMadeAnewAndEverythingIsDecidedAgain() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      long nobodys = office.chart(Someone.named("Howard", "Brandt"));
      office.member("M1", ines);
      office.open();
      String charts = keys(office, "patient_blocking_keys");
      String members = keys(office, "member_blocking_keys");
      engine.store().update("update links set ended_at = now() where practice_id = ?", office.id());
      for (String table : List.of("patient_blocking_keys", "member_blocking_keys")) {
        engine
            .store()
            .update("update " + table + " set key = key / 2 where practice_id = ?", office.id());
      }
      for (String table : List.of("patients", "members")) {
        engine
            .store()
            .update(
                "update "
                    + table
                    + " set blocking_keys = (select array_agg(k / 2) from unnest(blocking_keys) k)"
                    + " where practice_id = ?",
                office.id());
      }

      engine
          .store()
          .update(
              "update practice_populations set keys_made = 'older' where practice_id = ?",
              office.id());
      org.awaitility.Awaitility.await()
          .atMost(Office.LONGEST)
          .until(
              () ->
                  office.count(
                          "select count(*) from practice_populations where practice_id = ?"
                              + " and keys_made <> 'older'")
                      == 1);
      office.awaitSettled();

      assertThat(keys(office, "patient_blocking_keys")).isEqualTo(charts);
      assertThat(keys(office, "member_blocking_keys")).isEqualTo(members);
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      assertThat(office.memberOf(nobodys)).isEmpty();
    }
  }

  private String keys(Office office, String table) {
    return one(
        office,
        "select string_agg(key::text, ',' order by key) from " + table + " where practice_id = ?");
  }

  private String rulesOf(Office office) {
    return Objects.requireNonNull(
        engine
            .store()
            .queryForObject(
                "select max(rules_version) from decisions where practice_id = ?",
                String.class,
                office.id()));
  }

  @Test
  void theSameNumbersComeOutAgainThoughEverythingHasChanged() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.chart(Someone.named("Robert", "Caldwell").withMobile(ines.mobile()));
      office.member("M1", ines);
      office.open();
      assertThat(office.memberOf(chart)).isEqualTo("M1");
      office.edit("update patient set Email = '', City = 'Dublin' where PatNum = ?", chart);
      office.chart(Someone.named("Nora", "Caldwell").withMobile(ines.mobile()));
      office.sync();

      String sql =
          """
          select %s from links l join matching_rules r
            on r.practice_id = l.practice_id and r.version = l.rules_version
          where l.practice_id = ?""";
      Command.Ground ground =
          RecordJson.read(one(office, sql.formatted("l.ground::text")), Command.Ground.class);
      Comparison stored =
          RecordJson.read(one(office, sql.formatted("l.explanation::text")), Comparison.class);
      MatchingRules rules = MatchingRules.parse("stored", one(office, sql.formatted("r.rules")));

      assertThat(PracticeMatcher.repeat(rules, ground.facts(), ground.chart(), ground.member()))
          .isEqualTo(stored);
      assertThat(Double.valueOf(one(office, sql.formatted("l.score::text"))))
          .isEqualTo(stored.score());
    }
  }

  private String one(Office office, String sql) {
    return Objects.requireNonNull(engine.store().queryForObject(sql, String.class, office.id()));
  }

  @Nested
  class MadeByAPerson {

    private void decide(Office office, long chart, String member, Verdict verdict) {
      engine
          .bean(Verdicts.class)
          .decide(
              office.name,
              "open-dental",
              String.valueOf(chart),
              member,
              verdict,
              "maria",
              "asked her at the desk");
      office.awaitSettled();
    }

    @Test
    void standsWhateverBecomesOfTheRecords() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        Someone howard = Someone.named("Howard", "Brandt");
        long chart = office.chart(howard);
        office.member("M1", ines);
        office.open();

        decide(office, chart, "M1", Verdict.SAME);
        assertThat(office.memberOf(chart)).isEqualTo("M1");
        long looksLikeHer = office.chart(ines);
        office.edit("update patient set LName = 'Zuckerman' where PatNum = ?", chart);
        office.sync();
        office.compare();

        assertThat(office.memberOf(chart)).isEqualTo("M1");
        assertThat(office.flagOf(chart))
            .as("another person by its data than when she was asked")
            .isEqualTo("LINK_DRIFTED");
        assertThat(office.memberOf(looksLikeHer)).isEmpty();
        assertThat(office.historyOf(chart))
            .containsExactly("MADE asked her at the desk", "FLAGGED LINK_DRIFTED");
        assertThat(
                office.count(
                    "select count(*) from links where practice_id = ? and made_by = 'maria'"))
            .isEqualTo(1);
      }
    }

    @Test
    void thatTheyAreNotTheSameHoldsOnEveryLaterRun() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long chart = office.chart(ines);
        office.member("M1", ines);
        office.open();
        assertThat(office.memberOf(chart)).isEqualTo("M1");

        decide(office, chart, "M1", Verdict.NOT_SAME);
        assertThat(office.memberOf(chart)).isEmpty();
        office.edit("update patient set City = 'Dublin' where PatNum = ?", chart);
        office.compare();
        engine
            .bean(org.pmslink.membership.Members.class)
            .change(
                office.name,
                "M1",
                java.util.Map.of(org.pmslink.membership.Member.Field.CITY, "Dublin"),
                "maria");
        office.awaitSettled();

        assertThat(office.memberOf(chart)).isEmpty();
        assertThat(office.reviewOf(chart)).isEmpty();
        assertThat(office.historyOf(chart))
            .containsExactly("MADE CERTAIN", "ENDED asked her at the desk");
      }
    }

    @Test
    void takesThePlaceOfARulesLinkWhichIsFreeForAnother() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long hers = office.chart(ines);
        long other = office.chart(Someone.named("Howard", "Brandt"));
        office.member("M1", ines);
        office.open();
        assertThat(office.memberOf(hers)).isEqualTo("M1");

        decide(office, other, "M1", Verdict.SAME);
        assertThat(office.memberOf(hers)).isEmpty();
        assertThat(office.memberOf(other)).isEqualTo("M1");

        decide(office, hers, "M1", Verdict.SAME);
        assertThat(office.memberOf(hers)).isEqualTo("M1");
        assertThat(office.memberOf(other)).isEmpty();
        assertThat(
                office.count(
                    "select count(*) from verdicts where practice_id = ? and withdrawn_at is null"))
            .as("the later word counts")
            .isEqualTo(1);
      }
    }

    @Test
    void confirmsWhatARuleHasLinked() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long chart = office.chart(ines);
        office.member("M1", ines);
        office.open();
        office.chart(ines);
        office.sync();
        assertThat(office.flagOf(chart)).isEqualTo("DUPLICATE_CHARTS");

        decide(office, chart, "M1", Verdict.SAME);

        assertThat(office.flagOf(chart)).isEmpty();
        assertThat(office.reviewOf(chart)).isEmpty();
        assertThat(office.historyOf(chart))
            .isEqualTo(
                List.of(
                    "MADE CERTAIN", "FLAGGED DUPLICATE_CHARTS", "VERIFIED asked her at the desk"));
      }
    }
  }
}
