package org.pmslink.access;

import java.util.List;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The provider of OpenID Connect through which people sign in.
 *
 * @param issuer its address; blank when people sign in with passwords of ours alone
 * @param clientId what the provider knows the engine as
 * @param clientSecret how the engine shows that it is this client; or a file with it, or a file
 *     with a private key as a JSON Web Key
 * @param name what people call the provider
 * @param scopes what the provider is asked for
 * @param loginClaim what people are called at their first sign-in
 * @param rolesClaim what their roles are read from
 * @param roles what its values stand for
 */
@ConfigurationProperties("pmslink.access.oidc")
record OpenIdSettings(
    @DefaultValue("") String issuer,
    @DefaultValue("") String clientId,
    @DefaultValue("") String clientSecret,
    @DefaultValue("") String clientSecretFile,
    @DefaultValue("") String clientKeyFile,
    @DefaultValue("your organisation") String name,
    @DefaultValue({"openid", "profile", "email"}) List<String> scopes,
    @DefaultValue("preferred_username") String loginClaim,
    @DefaultValue("groups") String rolesClaim,
    @DefaultValue List<ClaimedRole> roles) {

  OpenIdSettings {
    if (!issuer.isBlank()) {
      IdentityProvider.checkAddress("pmslink.access.oidc.issuer", issuer);
      if (clientId.isBlank()) {
        throw new IllegalArgumentException(
            "pmslink.access.oidc.client-id is missing: what the provider knows the engine as");
      }
      if (List.of(clientSecret, clientSecretFile, clientKeyFile).stream()
              .filter(way -> !way.isBlank())
              .count()
          > 1) {
        throw new IllegalArgumentException(
            "pmslink.access.oidc: set one of client-secret, client-secret-file, client-key-file");
      }
      for (ClaimedRole role : roles) {
        if (!Role.OF_PEOPLE.contains(role.role())) {
          throw new IllegalArgumentException(
              "pmslink.access.oidc.roles: no person is a " + role.role().label());
        }
      }
      if (!scopes.contains("openid")) {
        throw new IllegalArgumentException("pmslink.access.oidc.scopes must contain openid");
      }
    }
  }

  /** Whether people can sign in through a provider. */
  boolean isSet() {
    return !issuer.isBlank();
  }

  /** Without the secret. */
  @Override
  public String toString() {
    return "provider " + issuer;
  }
}
