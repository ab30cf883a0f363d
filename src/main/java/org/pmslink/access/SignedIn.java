package org.pmslink.access;

import java.io.Serializable;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.oauth2.core.oidc.user.DefaultOidcUser;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;

/** What Spring Security keeps of whoever has signed in, in whichever way. */
sealed interface SignedIn {
  Who who();

  /**
   * Who sits before the screen, for as long as the session lasts. What was granted to them here is
   * not part of it: that is looked up for every page, so that a role that is taken away is gone at
   * once.
   *
   * @param user their number here
   * @param login what they are called here
   * @param withPassword with one of ours, which they may change
   * @param claimed what their provider made them when they signed in, by practice or {@code *}
   */
  record Who(
      long user, String login, boolean withPassword, Map<String, Set<Role>> claimed, Instant since)
      implements Serializable {}

  /** Somebody who has shown a password of ours. */
  final class WithPassword implements SignedIn, UserDetails, Serializable {
    private static final long serialVersionUID = 1L;

    private final Who who;
    private final String passwordHash;
    private final boolean enabled;

    WithPassword(long user, String login, String passwordHash, boolean enabled) {
      who = new Who(user, login, true, Map.of(), Instant.now());
      this.passwordHash = passwordHash;
      this.enabled = enabled;
    }

    @Override
    public Who who() {
      return who;
    }

    @Override
    public Collection<? extends GrantedAuthority> getAuthorities() {
      return List.of();
    }

    @Override
    public String getPassword() {
      return passwordHash;
    }

    @Override
    public String getUsername() {
      return who.login();
    }

    @Override
    public boolean isEnabled() {
      return enabled;
    }
  }

  /**
   * Somebody whom a provider vouches for. Its token stays with them: signing out there needs it.
   */
  final class ThroughProvider extends DefaultOidcUser implements SignedIn {
    private static final long serialVersionUID = 1L;

    private final Who who;

    ThroughProvider(OidcUser vouched, long user, String login, Map<String, Set<Role>> claimed) {
      super(List.of(), vouched.getIdToken());
      who = new Who(user, login, false, claimed, Instant.now());
    }

    @Override
    public Who who() {
      return who;
    }

    @Override
    public String getName() {
      return who.login();
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof ThroughProvider that
          && that.who.user() == who.user()
          && super.equals(other);
    }

    @Override
    public int hashCode() {
      return Long.hashCode(who.user());
    }
  }
}
