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

/**
 * Who sits before the screen, for as long as the session lasts. What was granted to them here is
 * not part of it: that is looked up for every page, so that a role that is taken away is gone at
 * once.
 */
sealed interface SignedIn {
  /** Their number here. */
  long user();

  /** What they are called here. */
  String login();

  Instant since();

  /** What their provider made them when they signed in, by practice or {@code *}. */
  Map<String, Set<Role>> claimed();

  /** Somebody who has shown a password of ours. */
  final class WithPassword implements SignedIn, UserDetails, Serializable {
    private static final long serialVersionUID = 1L;

    private final long user;
    private final String login;
    private final String passwordHash;
    private final boolean enabled;
    private final Instant since = Instant.now();

    WithPassword(long user, String login, String passwordHash, boolean enabled) {
      this.user = user;
      this.login = login;
      this.passwordHash = passwordHash;
      this.enabled = enabled;
    }

    @Override
    public long user() {
      return user;
    }

    @Override
    public String login() {
      return login;
    }

    @Override
    public Instant since() {
      return since;
    }

    @Override
    public Map<String, Set<Role>> claimed() {
      return Map.of();
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
      return login;
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

    private final long user;
    private final String login;
    private final Map<String, Set<Role>> claimed;
    private final Instant since = Instant.now();

    ThroughProvider(OidcUser vouched, long user, String login, Map<String, Set<Role>> claimed) {
      super(List.of(), vouched.getIdToken());
      this.user = user;
      this.login = login;
      this.claimed = claimed;
    }

    @Override
    public long user() {
      return user;
    }

    @Override
    public String login() {
      return login;
    }

    @Override
    public Instant since() {
      return since;
    }

    @Override
    public Map<String, Set<Role>> claimed() {
      return claimed;
    }

    @Override
    public String getName() {
      return login;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof ThroughProvider that && that.user == user && super.equals(other);
    }

    @Override
    public int hashCode() {
      return Long.hashCode(user);
    }
  }
}
