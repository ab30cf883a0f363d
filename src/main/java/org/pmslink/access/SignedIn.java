package org.pmslink.access;

import java.io.Serializable;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.userdetails.UserDetails;

/**
 * Who sits before the screen, for as long as the session lasts. What they may do is not part of it:
 * that is looked up for every page, so that a role that is taken away is gone at once.
 */
final class SignedIn implements UserDetails, Serializable {
  private static final long serialVersionUID = 1L;

  private final long user;
  private final String login;
  private final String passwordHash;
  private final boolean enabled;
  private final Instant since = Instant.now();

  SignedIn(long user, String login, String passwordHash, boolean enabled) {
    this.user = user;
    this.login = login;
    this.passwordHash = passwordHash;
    this.enabled = enabled;
  }

  long user() {
    return user;
  }

  Instant since() {
    return since;
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
