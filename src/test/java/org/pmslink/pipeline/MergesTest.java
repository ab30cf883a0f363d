package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.camel.CamelContext;
import org.apache.camel.spi.RouteController;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.progress.Runs;
import org.pmslink.sample.OpenDentalServer;

/** Charts that are merged, archived or deleted: the link follows or is flagged, never dropped. */
@ExtendWith(Pipeline.class)
class MergesTest {
  private final Engine engine;
  private final OpenDentalServer pms;
  private final Someone ines = Someone.named("Ines", "Caldwell");
  private final Someone tomas = Someone.named("Tomas", "Brandt");
  private final Someone yuki = Someone.named("Yuki", "Hargrove");

  MergesTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  @Test
  void theLinkFollowsAChainOfMergesToItsEnd() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long a = office.chart(ines);
      long b = office.chart(tomas);
      long c = office.chart(yuki);
      office.open();
      office.member("M1", ines);
      office.sync();
      assertThat(office.memberOf(a)).isEqualTo("M1");

      office.merge(a, b);
      office.merge(b, c);
      office.sync();

      assertThat(office.memberOf(c)).isEqualTo("M1");
      assertThat(office.memberOf(a)).isEmpty();
      assertThat(office.memberOf(b)).isEmpty();
      assertThat(office.historyOf(a)).containsExactly("MADE CERTAIN", "ENDED CHART_MERGED");
      assertThat(office.historyOf(c))
          .as("it follows, and the chart there is nobody whom the member is like")
          .containsExactly("MOVED CHART_MERGED", "FLAGGED LINK_DRIFTED");
    }
  }

  @Test
  void aMergeThatIsReadAgainCostsNoCommand() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long a = office.chart(ines);
      office.open();
      office.merge(a, office.chart(tomas));
      office.sync();
      long before = office.count("select max(id) from feed_runs where practice_id = ?");

      office.chart(yuki);
      office.sync();

      assertThat(
              office.count(
                  "select sum(records) - sum(unchanged) from feed_pages"
                      + " where practice_id = ? and run_id > "
                      + before))
          .as("the new chart alone, though the overlap reads the merge too")
          .isEqualTo(1);
    }
  }

  /** Each row in a batch of its own, and read again in every pass until the overlap is past. */
  @Test
  void aChartThatWasMergedTwiceStaysWhereTheLaterRowSays() throws Exception {
    try (Office office = Office.at(engine, pms).with("pageSize", "1")) {
      long a = office.chart(ines);
      long b = office.chart(tomas);
      long c = office.chart(yuki);
      office.open();
      office.member("M1", ines);
      office.sync();
      String row =
          "insert into patientlink (PatNumFrom, PatNumTo, LinkType, DateTimeLink) values (?, ?, 1, "
              + Office.THERE
              + " - interval ? second)";

      // Written in the other order than they happened.
      office.edit(row, a, c, 10);
      office.edit(row, a, b, 20);
      followingAfter(() -> awaitNoted(office));
      for (int pass = 0; pass < 4; pass++) {
        office.sync();
        assertThat(survivorOf(office, a)).as("pass %d", pass).isEqualTo(Long.toString(c));
        assertThat(office.memberOf(c)).isEqualTo("M1");
      }
      assertThat(office.historyOf(b)).as("it was never there").isEmpty();

      office.edit(
          "update patientlink set DateTimeLink = " + Office.THERE + " where PatNumTo = ?", b);
      office.sync();
      office.sync();
      assertThat(survivorOf(office, a)).isEqualTo(Long.toString(b));
    }
  }

  /** Merges are followed a moment after they are noted: here, after all of a pass. */
  private void followingAfter(Runnable pass) throws Exception {
    RouteController routes = engine.bean(CamelContext.class).getRouteController();
    routes.suspendRoute("follow-merges");
    try {
      pass.run();
    } finally {
      routes.resumeRoute("follow-merges");
    }
  }

  private void awaitNoted(Office office) {
    office.askForPass(false);
    Runs runs = engine.bean(Runs.class);
    Awaitility.await()
        .atMost(Office.LONGEST)
        .until(
            () ->
                office.count("select count(*) from chart_merges where practice_id = ?") > 0
                    && runs.open(office.id()).stream()
                        .allMatch(run -> run.readAt() != null && runs.allHandled(run)));
  }

  @Test
  void ofTwoMergesAtOneTimeItIsAlwaysTheSame() throws Exception {
    try (Office office = Office.at(engine, pms).with("pageSize", "1")) {
      long a = office.chart(ines);
      long b = office.chart(tomas);
      long c = office.chart(yuki);
      office.open();
      office.edit(
          "insert into patientlink (PatNumFrom, PatNumTo, LinkType, DateTimeLink)"
              + " select ?, x.id, 1, x.at from (select ? as id, "
              + Office.THERE
              + " as at union all select ?, "
              + Office.THERE
              + ") x",
          a,
          c,
          b);
      for (int pass = 0; pass < 3; pass++) {
        office.sync();
        assertThat(survivorOf(office, a)).as("pass %d", pass).isEqualTo(Long.toString(c));
      }
    }
  }

  private String survivorOf(Office office, long loser) {
    return String.valueOf(
        engine
            .store()
            .queryForObject(
                """
                select survivor_source_id from chart_merges
                where practice_id = ? and loser_source_id = ?""",
                String.class,
                office.id(),
                Long.toString(loser)));
  }

  @Test
  void theLinkFollowsAChainThatGrowsMergeByMerge() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long a = office.chart(ines);
      long b = office.chart(tomas);
      long c = office.chart(yuki);
      office.open();
      office.member("M1", ines);
      office.sync();

      office.merge(a, b);
      office.sync();
      assertThat(office.memberOf(b)).isEqualTo("M1");
      office.merge(b, c);
      office.sync();

      assertThat(office.memberOf(c)).isEqualTo("M1");
    }
  }

  @Test
  void theLinkWaitsForASurvivingChartThatArrivesLater() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long a = office.chart(ines);
      office.open();
      office.member("M1", ines);
      office.sync();

      office.merge(a, a + 1);
      office.sync();
      assertThat(office.memberOf(a)).isEqualTo("M1");
      long b = office.chart(tomas);
      office.sync();

      assertThat(b).isEqualTo(a + 1);
      assertThat(office.memberOf(b)).isEqualTo("M1");
      assertThat(office.memberOf(a)).isEmpty();
    }
  }

  @Nested
  class LeftToAPerson {

    @Test
    void aCircleOfMergesFlagsTheLinkAndKeepsIt() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long a = office.chart(ines);
        long b = office.chart(tomas);
        office.open();
        office.member("M1", ines);
        office.sync();

        office.merge(a, b);
        office.merge(b, a);
        office.sync();

        // Which merge is read first decides where the link stands.
        assertThat(office.memberOf(a) + office.memberOf(b)).isEqualTo("M1");
        assertThat(office.flagOf(a) + office.flagOf(b)).isEqualTo("MERGED_IN_A_CIRCLE");
      }
    }

    @Test
    void twoMembersWhoseChartsAreMergedKeepTheirLinksAndAreReviewed() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long a = office.chart(ines);
        long b = office.chart(tomas);
        office.open();
        office.member("M1", ines);
        office.member("M2", tomas);
        office.sync();

        office.merge(a, b);
        office.sync();

        assertThat(office.reviewOf(b)).isEqualTo("MERGED_BOTH_LINKED");
        assertThat(office.memberOf(a)).isEqualTo("M1");
        assertThat(office.memberOf(b)).isEqualTo("M2");
        assertThat(office.flagOf(a)).isEqualTo("MERGED_BOTH_LINKED");
        assertThat(office.flagOf(b)).isEqualTo("MERGED_BOTH_LINKED");
      }
    }

    @Test
    void thatReviewOutlivesAnEditOfTheSurvivingChart() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long a = office.chart(ines);
        long b = office.chart(tomas);
        office.open();
        office.member("M1", ines);
        office.member("M2", tomas);
        office.sync();
        office.merge(a, b);
        office.sync();

        office.edit("update patient set City = 'Dublin' where PatNum = ?", b);
        office.sync();

        assertThat(office.recordOf(b, "person,address,city")).isEqualTo("DUBLIN");
        assertThat(office.reviewOf(b)).isEqualTo("MERGED_BOTH_LINKED");
        assertThat(office.flagOf(b)).isEqualTo("MERGED_BOTH_LINKED");
      }
    }

    @Test
    void anArchivedOrDeletedChartFlagsItsLinkAndKeepsIt() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long archived = office.chart(ines);
        long deleted = office.chart(tomas);
        office.open();
        office.member("M1", ines);
        office.member("M2", tomas);
        office.sync();

        office.edit("update patient set PatStatus = 3 where PatNum = ?", archived);
        office.edit("update patient set PatStatus = 4 where PatNum = ?", deleted);
        office.sync();

        assertThat(office.memberOf(archived)).isEqualTo("M1");
        assertThat(office.flagOf(archived)).isEqualTo("CHART_ARCHIVED");
        assertThat(office.memberOf(deleted)).isEqualTo("M2");
        assertThat(office.flagOf(deleted)).isEqualTo("CHART_DELETED");
      }
    }
  }
}
