package org.pmslink.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class UsualSilenceTest {
  private static final Instant MONDAY = Instant.parse("2026-06-01T00:00:00Z");

  /**
   * An office that works Monday to Friday, eight to five, and changes something every ten minutes.
   */
  private static List<Instant> office(int weeks) {
    List<Instant> arrivals = new ArrayList<>();
    Instant end = MONDAY;
    Instant start = end.minus(Duration.ofDays(7L * weeks));
    for (Instant at = start; at.isBefore(end); at = at.plus(Duration.ofMinutes(10))) {
      var local = at.atZone(ZoneOffset.UTC);
      if (local.getDayOfWeek().compareTo(DayOfWeek.SATURDAY) < 0
          && local.getHour() >= 8
          && local.getHour() < 17) {
        arrivals.add(at);
      }
    }
    return arrivals;
  }

  private static Duration usual(int weeks, Duration afterMonday) {
    return UsualSilence.at(MONDAY.plus(afterMonday), office(weeks)).orElseThrow();
  }

  @Test
  void twentyMinutesAreLongOnATuesdayMorning() {
    assertThat(usual(6, Duration.ofHours(24 + 11))).isEqualTo(Duration.ofMinutes(15));
  }

  @Test
  void aNightAndAWeekendAreNot() {
    assertThat(usual(6, Duration.ofHours(24 + 3))).isGreaterThan(Duration.ofHours(10));
    assertThat(usual(6, Duration.ofHours(5 * 24 + 12))).isGreaterThan(Duration.ofHours(19));
  }

  @Test
  void anOfficeMayOpenALittleLater() {
    assertThat(usual(6, Duration.ofHours(9))).as("since Friday").isGreaterThan(Duration.ofDays(2));
    assertThat(usual(6, Duration.ofHours(11))).isEqualTo(Duration.ofMinutes(15));
  }

  @Test
  void oneOutageInThePastDoesNotCountAndTwoDo() {
    Duration tuesday = Duration.ofHours(24 + 11);
    List<Instant> arrivals = office(6);
    lose(arrivals, MONDAY.minus(Duration.ofDays(7)).plus(tuesday));
    assertThat(UsualSilence.at(MONDAY.plus(tuesday), arrivals)).contains(Duration.ofMinutes(15));

    lose(arrivals, MONDAY.minus(Duration.ofDays(14)).plus(tuesday));
    assertThat(UsualSilence.at(MONDAY.plus(tuesday), arrivals).orElseThrow())
        .isGreaterThan(Duration.ofHours(3));
  }

  /** Nothing came in the three hours up to a moment, and a little beyond. */
  private static void lose(List<Instant> arrivals, Instant until) {
    arrivals.removeIf(
        at ->
            at.isAfter(until.minus(Duration.ofHours(3)))
                && at.isBefore(until.plus(Duration.ofMinutes(5))));
  }

  @Test
  void aFeedOfAFewDaysHasNoHabits() {
    assertThat(UsualSilence.at(MONDAY, office(1))).isEmpty();
    assertThat(UsualSilence.at(MONDAY, List.of())).isEmpty();
  }
}
