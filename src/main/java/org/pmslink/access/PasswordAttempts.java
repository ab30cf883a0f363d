package org.pmslink.access;

import java.time.Duration;
import org.springframework.stereotype.Component;

/**
 * Counts attempts at passwords, wherever one is asked for, and stops listening to a name or a
 * client that guesses. A name counts whether there is such a user or not, so that nobody learns who
 * is one. Guesses that come from elsewhere do not keep a user out at the address where they have
 * signed in before: there, only what is typed there counts.
 */
@Component
final class PasswordAttempts {
  /** Guesses at one name from everywhere, for each that one address has. */
  private static final int ADDRESSES = 10;

  /** Longer than a holiday; an engine that starts anew has forgotten it. */
  private static final Duration KNOWN = Duration.ofDays(30);

  private final Throttle pairs;
  private final Throttle names;
  private final Throttle clients;

  PasswordAttempts(AccessSettings settings) {
    pairs = new Throttle(settings.wrongPasswordsPerMinute(), KNOWN);
    names = new Throttle(settings.wrongPasswordsPerMinute() * ADDRESSES);
    clients = new Throttle(settings.refusalsPerMinute());
  }

  /**
   * Counts an attempt before the hash is worked out: a burst at once is a burst, too.
   *
   * @return whether it may be made
   */
  synchronized boolean mayBegin(String login, String client) {
    long now = System.nanoTime();
    if (pairs.secondsToWait(pair(login, client), now) > 0) {
      return false;
    }
    if (!pairs.wasGood(client, login, now)
        && (names.secondsToWait(login, now) > 0 || clients.secondsToWait(client, now) > 0)) {
      return false;
    }
    pairs.refused(pair(login, client), now);
    names.refused(login, now);
    clients.refused(client, now);
    return true;
  }

  private static String pair(String login, String client) {
    return client + ' ' + login;
  }

  /** Takes an attempt back: the password was right. */
  void wasRight(String login, String client) {
    pairs.passed(pair(login, client));
    pairs.isGood(client, login, true, System.nanoTime());
    names.passed(login);
    clients.passed(client);
  }
}
