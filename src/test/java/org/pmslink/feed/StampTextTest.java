package org.pmslink.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDateTime;
import org.junit.jupiter.api.Test;
import org.pmslink.feed.SourceQuery.Dialect;

/** How a time stamp is written for each kind of database. */
class StampTextTest {
  private static final LocalDateTime DATETIME = LocalDateTime.parse("2026-03-02T09:30:00.007");
  private static final LocalDateTime DATETIME2 = LocalDateTime.parse("2026-03-02T09:30:00.1234567");
  private static final LocalDateTime WHOLE = LocalDateTime.parse("2026-03-02T09:30:00");

  @Test
  void sqlServersDatetimeGetsThreeDigitsAndNoOrderOfDayAndMonthToMistake() {
    assertThat(Dialect.FETCH.stamp(DATETIME)).isEqualTo("2026-03-02T09:30:00.007");
    assertThat(Dialect.FETCH.stamp(WHOLE)).isEqualTo("2026-03-02T09:30:00.000");
    assertThat(Dialect.TOP.stamp(DATETIME)).isEqualTo("2026-03-02 09:30:00.007");
  }

  @Test
  void aRowsStampKeepsAllItsDigitsOrThePageBehindItWouldBeginBeforeIt() {
    assertThat(Dialect.FETCH.stamp(DATETIME2)).isEqualTo("2026-03-02T09:30:00.1234567");
    assertThat(Dialect.TOP.stamp(DATETIME2)).isEqualTo("2026-03-02 09:30:00.1234567");
    assertThat(Dialect.LIMIT.stamp(DATETIME2)).isEqualTo("2026-03-02 09:30:00.123456");
  }

  @Test
  void aPassBeginsNoLaterThanToldAndWhereEveryColumnCan() {
    assertThat(Dialect.FETCH.begin(DATETIME2)).isEqualTo("2026-03-02T09:30:00.123");
    assertThat(Dialect.TOP.begin(DATETIME2)).isEqualTo("2026-03-02 09:30:00.123");
    assertThat(Dialect.LIMIT.begin(DATETIME2)).isEqualTo("2026-03-02 09:30:00.123000");
  }
}
