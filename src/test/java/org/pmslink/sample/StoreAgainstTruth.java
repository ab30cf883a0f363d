package org.pmslink.sample;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.pmslink.sample.Truth.Label;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Holds the store against the generator's truth. Charts and members are named by their numbers
 * only.
 */
public final class StoreAgainstTruth {
  private final JdbcTemplate store;
  private final OpenDentalServer server;
  private final String practice;

  /**
   * @param practice short name of the practice in the store
   */
  public StoreAgainstTruth(JdbcTemplate store, OpenDentalServer server, String practice) {
    this.store = store;
    this.server = server;
    this.practice = practice;
  }

  /**
   * What differs.
   *
   * @param lost charts of the PMS that are neither in the store nor a dead letter
   * @param surplus charts in the store that the PMS does not have
   * @param wrong links between two different people
   * @param twice charts or members with more than one active link
   * @param undecided charts without a decision
   * @param missed provable members without a link, by what became of their chart
   */
  public record Report(
      long charts,
      long links,
      long matches,
      long linkedMatches,
      List<String> lost,
      List<String> surplus,
      List<String> wrong,
      List<String> twice,
      List<String> undecided,
      Map<String, Integer> missed) {

    /** Nothing lost, nothing linked wrongly, nothing undecided. */
    public boolean holds() {
      return lost.isEmpty()
          && surplus.isEmpty()
          && wrong.isEmpty()
          && twice.isEmpty()
          && undecided.isEmpty();
    }

    /** For people. */
    public String text() {
      return String.format(
          Locale.ROOT,
          """
          Store against truth: %,d charts, %,d links; of %,d members whose records prove who they \
          are, %,d are linked
            lost %d%s, not in the PMS %d%s, linked wrongly %d%s, linked twice %d%s, undecided %d%s
            not linked though provable: %s""",
          charts,
          links,
          matches,
          linkedMatches,
          lost.size(),
          some(lost),
          surplus.size(),
          some(surplus),
          wrong.size(),
          some(wrong),
          twice.size(),
          some(twice),
          undecided.size(),
          some(undecided),
          missed.isEmpty() ? "none" : missed);
    }

    private static String some(List<String> found) {
      return found.isEmpty() ? "" : " " + found.subList(0, Math.min(5, found.size()));
    }
  }

  /** Compares as things stand; call when nothing is under way. */
  public Report compare() {
    Truth truth = Truth.of(server);
    Truth.Loaded loaded = truth.load();
    Set<Long> stored = new HashSet<>();
    Map<Long, String> decided = new HashMap<>();
    List<String> undecided = new ArrayList<>();
    store.query(
        """
        select p.source_id, d.outcome, d.reason from patients p
        join practices x on x.id = p.practice_id and x.practice = ?
        left join decisions d on d.practice_id = p.practice_id and d.patient_id = p.id
        where p.removed_at is null""",
        row -> {
          long patNum = Long.parseLong(row.getString(1));
          stored.add(patNum);
          if (row.getString(2) == null) {
            undecided.add(row.getString(1));
          } else {
            decided.put(patNum, row.getString(2) + " " + row.getString(3));
          }
        },
        practice);
    Set<Long> dead =
        new HashSet<>(
            store.query(
                """
                select d.source_id from dead_letters d
                join practices x on x.id = d.practice_id and x.practice = ?
                where d.state in ('OPEN', 'REPLAYING')""",
                (row, n) -> Long.parseLong(row.getString(1)),
                practice));
    List<String> lost = new ArrayList<>();
    Set<Long> existing = new HashSet<>();
    truth.forEachChart(
        chart -> {
          if (chart.gone()) {
            return;
          }
          existing.add(chart.patNum());
          if (!stored.contains(chart.patNum()) && !dead.contains(chart.patNum())) {
            lost.add(String.valueOf(chart.patNum()));
          }
        });
    List<String> surplus =
        stored.stream().filter(p -> !existing.contains(p)).sorted().map(String::valueOf).toList();
    Map<String, Long> linkedChart = new HashMap<>();
    Set<Long> linkedCharts = new HashSet<>();
    List<String> wrong = new ArrayList<>();
    List<String> twice = new ArrayList<>();
    store.query(
        """
        select p.source_id, m.member_number from links l
        join practices x on x.id = l.practice_id and x.practice = ?
        join patients p on p.practice_id = l.practice_id and p.id = l.patient_id
        join members m on m.practice_id = l.practice_id and m.id = l.member_id
        where l.ended_at is null""",
        row -> {
          long patNum = Long.parseLong(row.getString(1));
          String member = row.getString(2);
          if (!loaded.samePerson(patNum, member)) {
            wrong.add(patNum + "-" + member);
          }
          boolean again = linkedChart.put(member, patNum) != null;
          if (!linkedCharts.add(patNum) || again) {
            twice.add(patNum + "-" + member);
          }
        },
        practice);
    long[] matches = new long[2];
    Map<String, Integer> missed = new HashMap<>();
    truth.forEachMember(
        member -> {
          if (member.label() != Label.MATCH) {
            return;
          }
          matches[0]++;
          if (linkedChart.containsKey(member.number())) {
            matches[1]++;
            return;
          }
          missed.merge(decided.getOrDefault(member.patNum(), "no chart"), 1, Integer::sum);
        });
    return new Report(
        stored.size(),
        linkedChart.size(),
        matches[0],
        matches[1],
        lost,
        surplus,
        wrong,
        twice,
        undecided,
        missed);
  }
}
