package org.pmslink.sample;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.servlet.DelegatingFilterProxyRegistrationBean;
import org.springframework.boot.web.servlet.context.AnnotationConfigServletWebServerApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.core.userdetails.UsernameNotFoundException;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.JwtClaimsSet;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.server.authorization.client.InMemoryRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.config.annotation.web.configuration.OAuth2AuthorizationServerConfiguration;
import org.springframework.security.oauth2.server.authorization.config.annotation.web.configurers.OAuth2AuthorizationServerConfigurer;
import org.springframework.security.oauth2.server.authorization.settings.AuthorizationServerSettings;
import org.springframework.security.oauth2.server.authorization.settings.ClientSettings;
import org.springframework.security.oauth2.server.authorization.token.JwtEncodingContext;
import org.springframework.security.oauth2.server.authorization.token.OAuth2TokenCustomizer;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.servlet.handler.HandlerMappingIntrospector;

/**
 * A provider of OpenID Connect: Spring Authorization Server, on this machine but under another name
 * than the engine, so that browsers take the two for different sites.
 */
public final class OpenIdProvider implements AutoCloseable {
  /** What the engine is called here. */
  public static final String CLIENT = "pms-link";

  public static final String SECRET = "a secret of the two";

  /** The same engine, when it proves itself with a key. */
  public static final String CLIENT_WITH_KEY = "pms-link-with-key";

  /** Whom access tokens are for. */
  public static final String AUDIENCE = "https://pms-link.example";

  /** A program, and what it asks for a token with. */
  public static final String PROGRAM = "billing";

  public static final String PROGRAM_SECRET = "a secret of the program";

  /** Everybody's. */
  public static final String PASSWORD = "a sentence of the provider";

  private static final RSAKey KEY = newKey();

  private final int port;
  private final Map<String, List<String>> groups = new ConcurrentHashMap<>();
  private volatile Consumer<JwtClaimsSet.Builder> mischief = claims -> {};
  private volatile RSAKey clientKey = newKey();
  private @Nullable AnnotationConfigServletWebServerApplicationContext server;
  private @Nullable HttpServer clientKeys;

  public OpenIdProvider(int port) {
    this.port = port;
  }

  /**
   * A port that nobody listens on, and below those that Linux gives to outgoing connections: while
   * the provider is away, one of them may else be where it comes back to.
   */
  public static int freePort() {
    for (int attempt = 1; ; attempt++) {
      int port = ThreadLocalRandom.current().nextInt(15_000, 32_000);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (IOException e) {
        if (attempt == 50) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  /** A key as the provider's, which nobody knows. */
  public static RSAKey newKey() {
    try {
      return new RSAKeyGenerator(2048).keyIDFromThumbprint(true).generate();
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The address of a provider on a port. */
  public static String issuer(int port) {
    return "http://localhost:" + port;
  }

  public String issuer() {
    return issuer(port);
  }

  /**
   * Starts it, with the keys that it had.
   *
   * @param engine where people are sent back to
   */
  public void start(String engine) {
    AnnotationConfigServletWebServerApplicationContext context =
        new AnnotationConfigServletWebServerApplicationContext();
    context.registerBean("provider", OpenIdProvider.class, () -> this);
    context.registerBean("engine", String.class, () -> engine);
    context.register(Wiring.class);
    try {
      HttpServer keys = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
      keys.createContext(
          "/",
          exchange -> {
            byte[] set = new JWKSet(clientKey.toPublicJWK()).toString().getBytes(UTF_8);
            exchange.sendResponseHeaders(200, set.length);
            exchange.getResponseBody().write(set);
            exchange.close();
          });
      keys.start();
      clientKeys = keys;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    context.refresh();
    server = context;
  }

  /** What a client that proves itself with a key has published. */
  public void clientKey(RSAKey key) {
    clientKey = key;
  }

  /** It is away until it is started again. */
  public void stop() {
    if (server != null) {
      server.close();
      server = null;
    }
    if (clientKeys != null) {
      clientKeys.stop(0);
      clientKeys = null;
    }
  }

  /** Somebody who can sign in here with {@link #PASSWORD}. */
  public void person(String login, String... groups) {
    this.groups.put(login, List.of(groups));
  }

  /** What it does to the claims about people before it signs them. */
  public void does(Consumer<JwtClaimsSet.Builder> mischief) {
    this.mischief = mischief;
  }

  /** The key that its tokens are signed with. */
  public RSAKey key() {
    return KEY;
  }

  /** A token that it could have issued. */
  public static String signed(RSAKey key, JWTClaimsSet claims) {
    try {
      SignedJWT token =
          new SignedJWT(
              new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(key.getKeyID()).build(), claims);
      token.sign(new RSASSASigner(key));
      return token.serialize();
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    stop();
  }

  /** Not found by the engine's own search for components. */
  @EnableWebSecurity
  static class Wiring {
    private final OpenIdProvider provider;
    private final String engine;

    Wiring(OpenIdProvider provider, String engine) {
      this.provider = provider;
      this.engine = engine;
    }

    @Bean
    TomcatServletWebServerFactory tomcat() {
      TomcatServletWebServerFactory tomcat = new TomcatServletWebServerFactory(provider.port);
      tomcat.setAddress(InetAddress.getLoopbackAddress());
      // Filters stand before a servlet, and this is the one that there is.
      tomcat.setRegisterDefaultServlet(true);
      return tomcat;
    }

    @Bean
    DelegatingFilterProxyRegistrationBean security() {
      return new DelegatingFilterProxyRegistrationBean("springSecurityFilterChain");
    }

    @Bean
    HandlerMappingIntrospector mvcHandlerMappingIntrospector() {
      return new HandlerMappingIntrospector();
    }

    @Bean
    SecurityFilterChain chain(HttpSecurity http) throws Exception {
      return http.with(
              OAuth2AuthorizationServerConfigurer.authorizationServer(),
              server -> server.oidc(Customizer.withDefaults()))
          .authorizeHttpRequests(all -> all.anyRequest().authenticated())
          .oauth2ResourceServer(tokens -> tokens.jwt(Customizer.withDefaults()))
          .formLogin(Customizer.withDefaults())
          .build();
    }

    @Bean
    RegisteredClientRepository clients() {
      return new InMemoryRegisteredClientRepository(
          RegisteredClient.withId(CLIENT)
              .clientId(CLIENT)
              .clientSecret("{noop}" + SECRET)
              .clientAuthenticationMethod(ClientAuthenticationMethod.CLIENT_SECRET_BASIC)
              .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
              .redirectUri(engine + "/sign-in/from/provider")
              .postLogoutRedirectUri(engine + "/sign-in?signed-out")
              .scopes(scopes -> scopes.addAll(List.of("openid", "profile", "email")))
              .clientSettings(ClientSettings.builder().requireProofKey(true).build())
              .build(),
          RegisteredClient.withId(CLIENT_WITH_KEY)
              .clientId(CLIENT_WITH_KEY)
              .clientAuthenticationMethod(ClientAuthenticationMethod.PRIVATE_KEY_JWT)
              .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
              .redirectUri(engine + "/sign-in/from/provider")
              .scopes(scopes -> scopes.addAll(List.of("openid", "profile", "email")))
              .clientSettings(
                  ClientSettings.builder()
                      .requireProofKey(true)
                      .jwkSetUrl(
                          "http://127.0.0.1:"
                              + Objects.requireNonNull(provider.clientKeys).getAddress().getPort())
                      .tokenEndpointAuthenticationSigningAlgorithm(SignatureAlgorithm.RS256)
                      .build())
              .build(),
          RegisteredClient.withId(PROGRAM)
              .clientId(PROGRAM)
              .clientSecret("{noop}" + PROGRAM_SECRET)
              .clientAuthenticationMethod(ClientAuthenticationMethod.CLIENT_SECRET_BASIC)
              .authorizationGrantType(AuthorizationGrantType.CLIENT_CREDENTIALS)
              .build());
    }

    @Bean
    AuthorizationServerSettings settings() {
      return AuthorizationServerSettings.builder().issuer(provider.issuer()).build();
    }

    @Bean
    JWKSource<SecurityContext> keys() {
      return new ImmutableJWKSet<>(new JWKSet(KEY));
    }

    @Bean
    JwtDecoder decoder(JWKSource<SecurityContext> keys) {
      return OAuth2AuthorizationServerConfiguration.jwtDecoder(keys);
    }

    @Bean
    UserDetailsService people() {
      return login -> {
        if (!provider.groups.containsKey(login)) {
          throw new UsernameNotFoundException(login);
        }
        return User.withUsername(login).password("{noop}" + PASSWORD).build();
      };
    }

    @Bean
    OAuth2TokenCustomizer<JwtEncodingContext> claims() {
      return token -> {
        if (token.getTokenType().getValue().equals("id_token")) {
          String login = token.getPrincipal().getName();
          // Who somebody is does not depend on what they are called.
          token.getClaims().subject("subject-of-" + login);
          token.getClaims().claim("preferred_username", login);
          token.getClaims().claim("groups", provider.groups.getOrDefault(login, List.of()));
          provider.mischief.accept(token.getClaims());
        } else if (token
            .getAuthorizationGrantType()
            .equals(AuthorizationGrantType.CLIENT_CREDENTIALS)) {
          token.getClaims().audience(List.of(AUDIENCE));
          token.getClaims().claim("client_id", token.getRegisteredClient().getClientId());
          token.getClaims().claim("groups", provider.groups.getOrDefault(PROGRAM, List.of()));
        }
      };
    }
  }
}
