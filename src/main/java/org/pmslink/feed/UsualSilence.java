package org.pmslink.feed;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * How long a feed may bring nothing new before that is odd, by its own history: an office sleeps at
 * night and rests on Sundays, and says nothing new then. For each of the past weeks: how long was
 * it silent at this time of the week, at the longest within the two hours up to it (an office opens
 * at eight, more or less)? The longest of these silences but one, times one and a half, is usual;
 * but one, because a past outage or a week of holidays shall not count.
 */
final class UsualSilence {
  /** Of how many weeks the history is looked at. */
  static final int WEEKS = 8;

  private static final int LEAST_WEEKS = 2;
  private static final Duration WEEK = Duration.ofDays(7);
  private static final Duration AROUND = Duration.ofHours(2);

  private UsualSilence() {}

  /**
   * How long is usual at a moment; nothing before there are two weeks of history.
   *
   * @param arrivals when something new came, oldest first
   */
  static Optional<Duration> at(Instant moment, List<Instant> arrivals) {
    List<Duration> silences = new ArrayList<>();
    for (int week = 1; week <= WEEKS; week++) {
      Instant then = moment.minus(WEEK.multipliedBy(week));
      if (arrivals.isEmpty() || arrivals.get(0).isAfter(then.minus(AROUND))) {
        break;
      }
      silences.add(longest(then.minus(AROUND), then, arrivals));
    }
    if (silences.size() < LEAST_WEEKS) {
      return Optional.empty();
    }
    silences.sort(Collections.reverseOrder());
    return Optional.of(silences.get(1).multipliedBy(3).dividedBy(2));
  }

  /** How long it was silent, at the longest, at any moment from one to another. */
  private static Duration longest(Instant from, Instant to, List<Instant> arrivals) {
    Instant before = arrivals.get(0);
    Duration longest = Duration.ZERO;
    for (Instant arrival : arrivals) {
      if (arrival.isAfter(to)) {
        break;
      }
      if (arrival.isAfter(from)) {
        longest = longer(longest, Duration.between(before, arrival));
      }
      before = arrival;
    }
    return longer(longest, Duration.between(before, to));
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) > 0 ? one : other;
  }
}
