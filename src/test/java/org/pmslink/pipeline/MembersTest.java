package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.membership.Member;
import org.pmslink.membership.Member.Field;
import org.pmslink.membership.Members;
import org.pmslink.patient.SourcePatient;
import org.pmslink.practice.Practices;
import org.pmslink.sample.OpenDentalServer;
import org.springframework.transaction.support.TransactionTemplate;

@ExtendWith(Pipeline.class)
class MembersTest {
  private final Engine engine;
  private final OpenDentalServer pms;
  private final Someone ines = Someone.named("Ines", "Caldwell");

  MembersTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  private Map<Field, String> fields(Office office) {
    return engine.bean(Members.class).find(office.name, "M1").orElseThrow().fields();
  }

  private List<Map<String, Object>> changes(Office office, String field) {
    return engine
        .store()
        .queryForList(
            """
            select before, after, actor from member_changes
            where practice_id = ? and field = ? order by id""",
            office.id(),
            field);
  }

  /** What a practice is known by is not remembered longer than the practice is there. */
  @Test
  void aPracticeWhoseMakingWasUndoneIsMadeAgain() {
    Practices practices = engine.bean(Practices.class);
    String name = "undone-" + UUID.randomUUID();
    engine
        .bean(TransactionTemplate.class)
        .executeWithoutResult(
            status -> {
              practices.id(name);
              practices.id(name);
              status.setRollbackOnly();
            });
    assertThat(practices.names()).doesNotContain(name);
    assertThat(practices.name(practices.id(name))).isEqualTo(name);
    assertThat(practices.names()).contains(name);
  }

  @Test
  void aMemberAddedLaterIsLinkedToTheChartThatIsThere() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.open();
      assertThat(office.memberOf(chart)).isEmpty();

      office.member("M1", ines);
      office.awaitSettled();

      assertThat(office.memberOf(chart)).isEqualTo("M1");
      assertThat(office.historyOf(chart)).containsExactly("MADE CERTAIN");
    }
  }

  @Test
  void aMemberWhoseNameIsMendedIsMatchedAgain() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines.withFamily("Zimmerman").withMobile("6142280000"));
      office.open();
      assertThat(office.memberOf(chart)).isEmpty();

      engine
          .bean(Members.class)
          .change(office.name, "M1", Map.of(Field.FAMILY, ines.family()), "maria");
      office.awaitSettled();

      assertThat(office.memberOf(chart)).isEqualTo("M1");
      assertThat(changes(office, "FAMILY"))
          .containsExactly(Map.of("before", "Zimmerman", "after", "Caldwell", "actor", "maria"));
    }
  }

  @Test
  void aRemovedMemberLosesTheLinkAndTheHistorySaysWhy() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      long chart = office.chart(ines);
      office.member("M1", ines);
      office.open();
      assertThat(office.memberOf(chart)).isEqualTo("M1");

      engine.bean(Members.class).remove(office.name, "M1", "ana", "moved away");
      office.awaitSettled();

      assertThat(office.memberOf(chart)).isEmpty();
      assertThat(office.historyOf(chart)).containsExactly("MADE CERTAIN", "ENDED MEMBER_REMOVED");
      assertThat(
              office.count(
                  "select count(*) from link_changes where practice_id = ? and action = 'ENDED'"
                      + " and before ->> 'made_by' = 'rule'"))
          .as("what the link was before")
          .isEqualTo(1);
    }
  }

  @Test
  void aLockThatSomebodySetMeanwhileIsNotLost() throws Exception {
    try (Office office = Office.at(engine, pms)) {
      office.member("M1", ines);
      office.open();
      Members members = engine.bean(Members.class);
      Member seen = members.find(office.name, "M1").orElseThrow();

      members.change(office.name, seen, Map.of(), Set.of(Field.PHONE_MOBILE), "ana", null);

      Member locked = members.find(office.name, "M1").orElseThrow();
      assertThat(locked.version())
          .as("what a page gives back to say what it has shown")
          .isGreaterThan(seen.version());
      office.awaitSettled();
      assertThat(members.find(office.name, "M1").orElseThrow()).isEqualTo(locked);
    }
  }

  @Nested
  class ContactDetails {

    @Test
    void areFilledAtTheLinkAndFollowTheChartAfterwards() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long chart = office.chart(ines);
        office.member("M1", ines.withMobile(""));
        office.open();

        assertThat(office.memberOf(chart)).isEqualTo("M1");
        assertThat(fields(office)).containsEntry(Field.PHONE_MOBILE, ines.e164());
        assertThat(fields(office)).containsEntry(Field.CITY, "COLUMBUS");

        office.edit("update patient set WirelessPhone = '6142289999' where PatNum = ?", chart);
        office.sync();

        assertThat(fields(office)).containsEntry(Field.PHONE_MOBILE, "+16142289999");
        assertThat(changes(office, "PHONE_MOBILE").get(1))
            .containsEntry("before", ines.e164())
            .containsEntry("after", "+16142289999")
            .containsEntry("actor", "feed");
        assertThat(office.memberOf(chart)).isEqualTo("M1");
      }
    }

    @Test
    void inALockedFieldAreNeverWritten() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long chart = office.chart(ines);
        office.member("M1", ines);
        Members members = engine.bean(Members.class);
        members.change(
            office.name,
            members.find(office.name, "M1").orElseThrow(),
            Map.of(),
            Set.of(Field.CITY),
            "ana",
            null);
        office.open();

        office.edit("update patient set City = 'Dublin', State = 'OH' where PatNum = ?", chart);
        office.sync();

        assertThat(fields(office)).containsEntry(Field.STATE, "OH").doesNotContainKey(Field.CITY);
      }
    }

    /** Charts keep their addresses as USPS writes them, in capitals. */
    @Test
    void leaveAnAddressAsItWasTypedWhileItMeansTheSame() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long chart = office.chart(ines);
        office.edit(
            "update patient set Address = '12 ELM ST', Address2 = 'APT 3', City = 'COLUMBUS',"
                + " State = 'OH', Zip = '43215' where PatNum = ?",
            chart);
        engine
            .bean(Members.class)
            .add(
                office.name,
                List.of(
                    new Members.NewMember(
                        "M1",
                        SourcePatient.person(
                            "M1",
                            ines.family(),
                            ines.given(),
                            null,
                            null,
                            null,
                            ines.birthDate(),
                            null,
                            null,
                            List.of(new SourcePatient.SourcePhone("mobile", ines.mobile())),
                            List.of(ines.email()),
                            new SourcePatient.SourceAddress(
                                "12 Elm Street, Apt. 3", null, "Columbus", "Ohio", "43215", null),
                            null))));
        office.open();
        office.sync();
        assertThat(office.memberOf(chart)).isEqualTo("M1");
        assertThat(fields(office))
            .containsEntry(Field.LINE1, "12 Elm Street, Apt. 3")
            .containsEntry(Field.CITY, "Columbus")
            .doesNotContainKey(Field.LINE2);

        office.edit("update patient set Address = '99 OAK AVE' where PatNum = ?", chart);
        office.sync();

        assertThat(fields(office))
            .as("another one, as a whole")
            .containsEntry(Field.LINE1, "99 OAK AVE")
            .containsEntry(Field.LINE2, "APT 3");
      }
    }

    /** The pipeline's engine is set so: PHONE_WORK MEMBER_WINS, LINE2 ONLY_IF_EMPTY. */
    @Test
    void followThePolicyOfTheirField() throws Exception {
      try (Office office = Office.at(engine, pms)) {
        long chart = office.chart(ines);
        office.edit(
            "update patient set Address = '12 Elm St', Address2 = 'Apt 3', WkPhone = '6142287777'"
                + " where PatNum = ?",
            chart);
        office.member("M1", ines);
        office.open();
        assertThat(fields(office))
            .containsEntry(Field.LINE2, office.recordOf(chart, "person,address,line2"))
            .doesNotContainKey(Field.PHONE_WORK);
        String filled = fields(office).get(Field.LINE2);

        office.edit(
            "update patient set Address = '99 Oak Ave', Address2 = 'Apt 44' where PatNum = ?",
            chart);
        office.sync();

        assertThat(fields(office))
            .as("PMS_WINS")
            .containsEntry(Field.LINE1, office.recordOf(chart, "person,address,line1"));
        assertThat(fields(office)).as("ONLY_IF_EMPTY").containsEntry(Field.LINE2, filled);
        assertThat(office.recordOf(chart, "person,address,line2")).isNotEqualTo(filled);
      }
    }
  }
}
