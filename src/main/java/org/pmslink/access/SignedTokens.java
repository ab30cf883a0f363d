package org.pmslink.access;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.jwk.source.JWKSetUnavailableException;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.text.ParseException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Tokens that a provider has signed (JWT), by which programs call the engine. What such a token
 * opens follows from its claims and our settings; nothing is kept of it.
 */
@Component
@ConditionalOnWebApplication
@EnableConfigurationProperties(JwtSettings.class)
class SignedTokens {
  private static final Logger LOG = LoggerFactory.getLogger(SignedTokens.class);

  /** The whole of a request's headers has 8 KB. */
  private static final int LONGEST = 7_000;

  /** So that no program is called as a person or a token of ours is. */
  private static final String BEFORE_NAME = "jwt:";

  private static final Pattern NAME = Pattern.compile("[!-~]{1,100}");

  private final JwtSettings settings;
  private final JdbcClient database;
  private final IdentityProvider provider;
  private final ClaimedRoles roles;

  SignedTokens(JwtSettings settings, OpenIdSettings people, JdbcClient database) {
    if (settings.isSet()
        && settings.issuer().equals(people.issuer())
        && settings.audience().equals(people.clientId())) {
      throw new IllegalArgumentException(
          "pmslink.access.jwt.audience is pmslink.access.oidc.client-id: the tokens that people"
              + " sign in with would be good for programs");
    }
    this.settings = settings;
    this.database = database;
    provider = new IdentityProvider(settings.issuer(), settings.keysUrl());
    roles = new ClaimedRoles(settings.rolesClaim(), settings.roles());
  }

  /** The longest token that is looked at. */
  int longest() {
    return settings.isSet() ? LONGEST : 0;
  }

  /**
   * Somebody with a good token, wherever it is good.
   *
   * @param roles by practice; {@code *} stands for every practice
   */
  record Bearer(String name, Map<String, Set<Role>> roles) {}

  /**
   * Who bears this token. No exception says why it is not good: they quote it.
   *
   * @return {@code null} for nobody
   */
  @Nullable Bearer bearer(String token) {
    if (!settings.isSet() || token.indexOf('.') < 0) {
      return null;
    }
    try {
      // Before the provider is asked for anything: no noise makes us ask.
      SignedJWT signed = SignedJWT.parse(token);
      JWTClaimsSet claims = processor().process(signed, null);
      return claims.getClaim(settings.nameClaim()) instanceof String name
              && NAME.matcher(name).matches()
          ? new Bearer(BEFORE_NAME + name, roles.of(claims.getClaims()))
          : null;
    } catch (JWKSetUnavailableException e) {
      LOG.warn("the keys of {} cannot be had", settings.issuer());
      return null;
    } catch (ParseException | BadJOSEException | JOSEException | IdentityProvider.AwayException e) {
      return null;
    }
  }

  private DefaultJWTProcessor<SecurityContext> processor() {
    DefaultJWTProcessor<SecurityContext> processor = provider.signatures();
    processor.setJWSTypeVerifier(
        new DefaultJOSEObjectTypeVerifier<>(
            new HashSet<>(Arrays.asList(JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), null))));
    DefaultJWTClaimsVerifier<SecurityContext> claims =
        new DefaultJWTClaimsVerifier<>(
            settings.audience(),
            new JWTClaimsSet.Builder().issuer(settings.issuer()).build(),
            Set.of("exp", settings.nameClaim()));
    claims.setMaxClockSkew(Math.toIntExact(settings.clockSkew().toSeconds()));
    processor.setJWTClaimsSetVerifier(claims);
    return processor;
  }

  /**
   * The bearer as a caller in a practice. The same steps for every practice that is named, whether
   * there is one of that name or not.
   *
   * @return {@code null} when their token is not good there
   */
  @Nullable Caller in(String practice, Bearer bearer) {
    Integer id =
        database
            .sql("select id from practices where practice = ?")
            .param(practice)
            .query(Integer.class)
            .optional()
            .orElse(null);
    Set<Right> rights = EnumSet.noneOf(Right.class);
    for (String where : List.of(practice, ClaimedRole.EVERYWHERE)) {
      bearer.roles.getOrDefault(where, Set.of()).forEach(role -> rights.addAll(role.rights()));
    }
    return id == null || rights.isEmpty() ? null : new Caller(0, bearer.name, id, practice, rights);
  }
}
