package org.pmslink.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.springframework.util.unit.DataSize;

/** Who guesses is stopped, and whom somebody guesses at is not kept out. */
class PasswordAttemptsTest {
  private static final String HOME = "192.0.2.1";

  private final PasswordAttempts attempts =
      new PasswordAttempts(
          new AccessSettings(
              DataSize.ofKilobytes(256),
              20,
              600,
              5,
              Duration.ofMinutes(15),
              Duration.ofHours(12),
              true));

  private int guesses(String login, String client, int most) {
    int begun = 0;
    while (begun < most && attempts.mayBegin(login, client)) {
      begun++;
    }
    return begun;
  }

  @Test
  void guessesFromElsewhereKeepNobodyOutWhereTheyHaveSignedInBefore() {
    assertThat(attempts.mayBegin("anna", HOME)).isTrue();
    attempts.wasRight("anna", HOME);
    int guessed = 0;
    for (int i = 0; i < 200; i++) {
      guessed += guesses("anna", "198.51.100." + i, 10);
    }
    assertThat(guessed).as("from everywhere").isEqualTo(50);
    assertThat(attempts.mayBegin("anna", "203.0.113.9")).as("from a new address").isFalse();

    assertThat(attempts.mayBegin("anna", HOME)).isTrue();
    attempts.wasRight("anna", HOME);
    assertThat(guesses("anna", HOME, 100)).as("nor may one guess there").isEqualTo(5);
  }

  @Test
  void guessesFromOneAddressKeepNobodyOutElsewhere() {
    assertThat(guesses("anna", "198.51.100.1", 100)).isEqualTo(5);

    assertThat(attempts.mayBegin("anna", HOME)).isTrue();
  }

  @Test
  void aNeighbourWhoGuessesAtManyNamesKeepsNobodyOutWhoHasSignedInThere() {
    assertThat(attempts.mayBegin("anna", HOME)).isTrue();
    attempts.wasRight("anna", HOME);
    int guessed = 0;
    for (int i = 0; i < 100; i++) {
      guessed += guesses("somebody" + i, HOME, 1);
    }
    assertThat(guessed).isEqualTo(20);

    assertThat(attempts.mayBegin("anna", HOME)).isTrue();
    assertThat(attempts.mayBegin("maria", HOME)).isFalse();
  }
}
