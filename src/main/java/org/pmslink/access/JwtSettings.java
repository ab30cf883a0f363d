package org.pmslink.access;

import java.time.Duration;
import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The provider whose signed tokens programs may bear instead of tokens of ours.
 *
 * @param issuer its address; blank when tokens of ours alone are good
 * @param audience what a token must be meant for
 * @param keysUrl where the provider's keys are; blank for where it says
 * @param clockSkew how far its clock may be from ours
 * @param nameClaim what a program is called
 * @param rolesClaim what its roles are read from
 * @param roles what its values stand for
 */
@ConfigurationProperties("pmslink.access.jwt")
record JwtSettings(
    @DefaultValue("") String issuer,
    @DefaultValue("") String audience,
    @DefaultValue("") String keysUrl,
    @DefaultValue("30s") Duration clockSkew,
    @DefaultValue("client_id") String nameClaim,
    @DefaultValue("scope") String rolesClaim,
    @DefaultValue List<ClaimedRole> roles) {

  JwtSettings {
    if (!issuer.isBlank()) {
      IdentityProvider.checkAddress("pmslink.access.jwt.issuer", issuer);
      if (!keysUrl.isBlank()) {
        IdentityProvider.checkAddress("pmslink.access.jwt.keys-url", keysUrl);
      }
      if (audience.isBlank()) {
        throw new IllegalArgumentException(
            "pmslink.access.jwt.audience is missing: else a token that was meant for another would"
                + " be good here");
      }
      if (roles.isEmpty()) {
        throw new IllegalArgumentException(
            "pmslink.access.jwt.roles is empty: no token would open anything");
      }
      if (clockSkew.isNegative() || clockSkew.compareTo(Duration.ofMinutes(5)) > 0) {
        throw new IllegalArgumentException(
            "pmslink.access.jwt.clock-skew must be between 0s and 5m");
      }
    }
  }

  /** Whether signed tokens are good at all. */
  boolean isSet() {
    return !issuer.isBlank();
  }
}
