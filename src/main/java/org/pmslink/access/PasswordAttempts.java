package org.pmslink.access;

import org.springframework.stereotype.Component;

/**
 * Counts attempts at passwords, wherever one is asked for, and stops listening to a name or a
 * client that guesses. A name counts whether there is such a user or not, so that nobody learns who
 * is one.
 */
@Component
final class PasswordAttempts {
  private final Throttle names;
  private final Throttle clients;

  PasswordAttempts(AccessSettings settings) {
    names = new Throttle(settings.wrongPasswordsPerMinute());
    clients = new Throttle(settings.refusalsPerMinute());
  }

  /**
   * Counts an attempt before the hash is worked out: a burst at once is a burst, too.
   *
   * @return whether it may be made
   */
  boolean mayBegin(String login, String client) {
    long now = System.nanoTime();
    if (names.secondsToWait(login, now) > 0 || clients.secondsToWait(client, now) > 0) {
      return false;
    }
    names.refused(login, now);
    clients.refused(client, now);
    return true;
  }

  /** Takes an attempt back: the password was right. */
  void wasRight(String login, String client) {
    names.passed(login);
    clients.passed(client);
  }
}
