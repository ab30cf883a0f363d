package org.pmslink.access;

import org.springframework.stereotype.Component;

/**
 * Changes passwords for their owners, who show the present one; guessing it is as slow here as at
 * the sign-in, and counts there too.
 */
@Component
public class OwnPassword {
  private final Users users;
  private final PasswordAttempts attempts;
  private final Audit audit;

  OwnPassword(Users users, PasswordAttempts attempts, Audit audit) {
    this.users = users;
    this.attempts = attempts;
    this.audit = audit;
  }

  /**
   * Changes a password.
   *
   * @param login of somebody who is signed in
   * @param client the address that they are at
   * @throws IllegalArgumentException saying what is wrong with the new one, that the present one is
   *     not it, or that there were too many attempts
   */
  public void change(String login, String client, String present, String fresh) {
    if (!attempts.mayBegin(login, client)) {
      audit.noteSignIn(login, "password refused", "too many attempts, from " + client);
      throw new IllegalArgumentException("too many attempts; wait a minute");
    }
    try {
      audit.together(
          () -> {
            users.changePassword(login, present, fresh);
            audit.noteSignIn(login, "changed password", "from " + client);
            return login;
          });
      attempts.wasRight(login, client);
    } catch (Users.WrongPasswordException e) {
      audit.noteSignIn(login, "password refused", "from " + client);
      throw e;
    } catch (IllegalArgumentException e) {
      attempts.wasRight(login, client);
      throw e;
    }
  }
}
