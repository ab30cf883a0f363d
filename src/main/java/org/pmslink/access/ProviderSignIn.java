package org.pmslink.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.oauth2.sdk.util.JSONObjectUtils;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.http.converter.FormHttpMessageConverter;
import org.springframework.security.config.ObjectPostProcessor;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.endpoint.NimbusJwtClientAuthenticationParametersConverter;
import org.springframework.security.oauth2.client.endpoint.OAuth2AuthorizationCodeGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientAuthorizationCodeTokenResponseClient;
import org.springframework.security.oauth2.client.http.OAuth2ErrorResponseErrorHandler;
import org.springframework.security.oauth2.client.oidc.authentication.OidcAuthorizationCodeAuthenticationProvider;
import org.springframework.security.oauth2.client.oidc.authentication.OidcIdTokenDecoderFactory;
import org.springframework.security.oauth2.client.oidc.authentication.OidcIdTokenValidator;
import org.springframework.security.oauth2.client.oidc.userinfo.OidcUserRequest;
import org.springframework.security.oauth2.client.oidc.userinfo.OidcUserService;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.registration.ClientRegistrations;
import org.springframework.security.oauth2.client.userinfo.DefaultOAuth2UserService;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestRedirectFilter;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizedClientRepository;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.http.converter.OAuth2AccessTokenResponseHttpMessageConverter;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.web.DefaultRedirectStrategy;
import org.springframework.security.web.RedirectStrategy;
import org.springframework.security.web.authentication.logout.LogoutSuccessHandler;
import org.springframework.web.client.ResourceAccessException;
import org.springframework.web.client.RestClient;
import org.springframework.web.client.RestClientResponseException;
import org.springframework.web.client.RestTemplate;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.util.HtmlUtils;

/**
 * Signing in through a provider of OpenID Connect: authorization code with PKCE, state and nonce,
 * all of it Spring Security's. What is ours: who somebody is here, that the engine does not wait
 * for a provider that is away, and that everybody who came or was refused stands in the audit.
 *
 * <p>The session's cookie is sent to no request of another site's making, and the provider sends
 * people back with one. So the address to which they come back answers the first time with a page
 * that leads to itself, and that second request is of our own making. Signing out at the provider
 * goes by such a page too: a form that ends elsewhere would need an exception from the pages'
 * policy.
 */
final class ProviderSignIn {
  private static final Logger LOG = LoggerFactory.getLogger(ProviderSignIn.class);

  private static final String REGISTRATION = "provider";
  private static final String GO = "/sign-in/with";
  private static final String COME_BACK = "/sign-in/from";

  /** Where the button leads. */
  static final String BEGIN = GO + "/" + REGISTRATION;

  /** The parameter of the request that is of our own making. */
  private static final String HERE = "here";

  /** What a provider may say of its own accord (RFC 6749, OpenID Connect Core); noted as it is. */
  private static final Set<String> KNOWN_ERRORS =
      Set.of(
          "access_denied",
          "account_selection_required",
          "authorization_request_not_found",
          "consent_required",
          "interaction_required",
          "invalid_client",
          "invalid_grant",
          "invalid_id_token",
          "invalid_nonce",
          "invalid_request",
          "invalid_scope",
          "invalid_state_parameter",
          "invalid_token_response",
          "invalid_user_info_response",
          "login_required",
          "server_error",
          "temporarily_unavailable",
          "unauthorized_client",
          "unsupported_response_type");

  private final OpenIdSettings settings;
  private final IdentityProvider provider;
  private final ClaimedRoles roles;
  private final Users users;
  private final Audit audit;
  private final Throttle clients;
  private final RedirectStrategy redirect = new DefaultRedirectStrategy();
  private final OidcUserService claims = new OidcUserService();
  private final @Nullable JWK clientKey;
  private final String clientSecret;
  private volatile @Nullable ClientRegistration registration;

  /**
   * @param clients who was refused too often
   * @throws IllegalArgumentException when the secret or key cannot be read
   */
  ProviderSignIn(OpenIdSettings settings, Users users, Audit audit, Throttle clients) {
    this.settings = settings;
    this.users = users;
    this.audit = audit;
    this.clients = clients;
    provider = new IdentityProvider(settings.issuer(), "");
    roles = new ClaimedRoles(settings.rolesClaim(), settings.roles());
    clientKey = clientKey(settings.clientKeyFile());
    clientSecret =
        settings.clientSecretFile().isBlank()
            ? settings.clientSecret()
            : text("client-secret-file", settings.clientSecretFile());
    DefaultOAuth2UserService userInfo = new DefaultOAuth2UserService();
    RestTemplate bounded = new RestTemplate(bounded());
    bounded.setErrorHandler(new OAuth2ErrorResponseErrorHandler());
    userInfo.setRestOperations(bounded);
    claims.setOauth2UserService(userInfo);
  }

  private static String text(String setting, String file) {
    try {
      return Files.readString(Path.of(file), UTF_8).strip();
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "pmslink.access.oidc." + setting + ": " + file + " cannot be read", e);
    }
  }

  private static @Nullable JWK clientKey(String file) {
    if (file.isBlank()) {
      return null;
    }
    try {
      JWK key = JWK.parse(text("client-key-file", file));
      if (!key.isPrivate() || key.getKeyID() == null) {
        throw new IllegalArgumentException(
            "pmslink.access.oidc.client-key-file: needs a private key with a kid");
      }
      return key;
    } catch (ParseException e) {
      // Without the parser's words: they may quote the key.
      throw new IllegalArgumentException(
          "pmslink.access.oidc.client-key-file: " + file + " holds no JSON Web Key");
    }
  }

  private static JdkClientHttpRequestFactory bounded() {
    // Codes, secrets and tokens go where the provider said, and are sent on to nobody.
    JdkClientHttpRequestFactory bounded =
        new JdkClientHttpRequestFactory(IdentityProvider.client(HttpClient.Redirect.NEVER));
    bounded.setReadTimeout(IdentityProvider.LONGEST_WAIT);
    return bounded;
  }

  /** Adds this way of signing in to the console's. */
  void addTo(HttpSecurity http) throws Exception {
    ClientRegistrationRepository registrations = this::registration;
    DefaultOAuth2AuthorizationRequestResolver requests =
        new DefaultOAuth2AuthorizationRequestResolver(registrations, GO);
    requests.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce());
    http.oauth2Login(
            login ->
                login
                    .loginPage(ConsoleSecurity.SIGN_IN)
                    .clientRegistrationRepository(registrations)
                    .authorizedClientRepository(new NothingKept())
                    .authorizationEndpoint(go -> go.authorizationRequestResolver(requests))
                    .redirectionEndpoint(back -> back.baseUri(COME_BACK + "/*"))
                    .tokenEndpoint(token -> token.accessTokenResponseClient(tokens()))
                    .userInfoEndpoint(info -> info.oidcUserService(this::signedIn))
                    .defaultSuccessUrl(ConsoleSecurity.CONSOLE, false)
                    .failureHandler(this::refuse)
                    .withObjectPostProcessor(
                        new ObjectPostProcessor<OAuth2AuthorizationRequestRedirectFilter>() {
                          @Override
                          public <O extends OAuth2AuthorizationRequestRedirectFilter> O postProcess(
                              O filter) {
                            filter.setAuthenticationFailureHandler(ProviderSignIn.this::refuse);
                            return filter;
                          }
                        })
                    .withObjectPostProcessor(
                        new ObjectPostProcessor<OidcAuthorizationCodeAuthenticationProvider>() {
                          @Override
                          public <O extends OidcAuthorizationCodeAuthenticationProvider>
                              O postProcess(O codes) {
                            codes.setJwtDecoderFactory(ProviderSignIn.this::idTokens);
                            return codes;
                          }
                        }))
        .addFilterBefore(new Arrival(), OAuth2AuthorizationRequestRedirectFilter.class);
  }

  /** Ends the session at the provider too, where it offers that. */
  LogoutSuccessHandler signOut() {
    OidcClientInitiatedLogoutSuccessHandler signOut =
        new OidcClientInitiatedLogoutSuccessHandler(this::registration);
    signOut.setDefaultTargetUrl(ConsoleSecurity.SIGNED_OUT);
    signOut.setPostLogoutRedirectUri("{baseUrl}" + ConsoleSecurity.SIGNED_OUT);
    signOut.setRedirectStrategy(
        (request, response, address) -> {
          if (address.startsWith("/")) {
            redirect.sendRedirect(request, response, address);
          } else {
            leadOn(response, address);
          }
        });
    return signOut;
  }

  private @Nullable ClientRegistration registration(String id) {
    if (!id.equals(REGISTRATION)) {
      return null;
    }
    ClientRegistration known = registration;
    if (known == null) {
      ClientRegistration.Builder builder =
          ClientRegistrations.fromOidcConfiguration(provider.metadata().toJSONObject())
              .registrationId(REGISTRATION)
              .redirectUri("{baseUrl}" + COME_BACK + "/{registrationId}")
              .clientId(settings.clientId())
              .clientSecret(clientSecret)
              .scope(settings.scopes());
      if (clientKey != null) {
        builder.clientAuthenticationMethod(ClientAuthenticationMethod.PRIVATE_KEY_JWT);
      } else if (clientSecret.isEmpty()) {
        builder.clientAuthenticationMethod(ClientAuthenticationMethod.NONE);
      }
      known = builder.build();
      registration = known;
    }
    return known;
  }

  private RestClientAuthorizationCodeTokenResponseClient tokens() {
    RestClientAuthorizationCodeTokenResponseClient tokens =
        new RestClientAuthorizationCodeTokenResponseClient();
    tokens.setRestClient(
        RestClient.builder()
            .requestFactory(bounded())
            .messageConverters(
                converters -> {
                  converters.clear();
                  converters.add(new FormHttpMessageConverter());
                  converters.add(new OAuth2AccessTokenResponseHttpMessageConverter());
                })
            .defaultStatusHandler(new OAuth2ErrorResponseErrorHandler())
            .build());
    JWK key = clientKey;
    if (key != null) {
      tokens.addParametersConverter(
          new NimbusJwtClientAuthenticationParametersConverter<OAuth2AuthorizationCodeGrantRequest>(
              client -> key));
    }
    return tokens;
  }

  private JwtDecoder idTokens(ClientRegistration client) {
    NimbusJwtDecoder decoder = new NimbusJwtDecoder(provider.signatures());
    decoder.setJwtValidator(
        new DelegatingOAuth2TokenValidator<>(
            new JwtTimestampValidator(), new OidcIdTokenValidator(client)));
    decoder.setClaimSetConverter(OidcIdTokenDecoderFactory.createDefaultClaimTypeConverter());
    return decoder;
  }

  /** Somebody is not let in, and why; people read it on the page where one signs in. */
  private static final class RefusedException extends OAuth2AuthenticationException {
    private static final long serialVersionUID = 1L;
    private final String who;
    private final String why;

    /**
     * @param code of the page
     * @param who what the audit calls them
     * @param why for the audit
     */
    RefusedException(String code, String who, String why) {
      super(new OAuth2Error(code));
      this.who = who;
      this.why = why;
    }
  }

  /** Who they are here, of whom the provider has said who they are there. */
  private OidcUser signedIn(OidcUserRequest request) {
    OidcUser vouched = claims.loadUser(request);
    Map<String, Set<Role>> claimed = roles.of(vouched.getClaims());
    String subject = vouched.getSubject();
    Users.User user = users.bySubject(subject).orElse(null);
    if (user == null) {
      if (claimed.isEmpty()) {
        throw new RefusedException("no-role", "unknown", "no role, subject " + subject);
      }
      String login =
          vouched.getClaims().get(settings.loginClaim()) instanceof String name ? name : "";
      user =
          users
              .arrive(login, subject)
              .orElseThrow(
                  () ->
                      new RefusedException(
                          "name-taken",
                          "unknown",
                          "the name is missing, none or somebody else's, subject " + subject));
    }
    if (user.disabled()) {
      throw new RefusedException("disabled", user.login(), "disabled");
    }
    SignedIn.ThroughProvider who =
        new SignedIn.ThroughProvider(vouched, user.id(), user.login(), claimed);
    if (users.roles(user.id()).isEmpty() && claimed.isEmpty()) {
      throw new RefusedException("no-role", user.login(), "no role");
    }
    // Now and not when it is done: nobody has a session who is not in the audit.
    audit.noteSignIn(
        user.login(),
        "signed in",
        "through the provider, subject " + subject + ", from " + client());
    return who;
  }

  private static String client() {
    return RequestContextHolder.getRequestAttributes() instanceof ServletRequestAttributes here
        ? here.getRequest().getRemoteAddr()
        : "unknown";
  }

  private void refuse(
      HttpServletRequest request, HttpServletResponse response, AuthenticationException failure)
      throws IOException {
    String client = request.getRemoteAddr();
    clients.refused(client, System.nanoTime());
    String page = "refused";
    String who = "unknown";
    String why = "refused";
    if (failure instanceof RefusedException refused) {
      page = refused.getError().getErrorCode();
      who = refused.who;
      why = refused.why;
    } else if (isAway(failure)) {
      page = "away";
      why = "the provider is away";
    } else if (failure instanceof OAuth2AuthenticationException known) {
      String code = code(known);
      why = KNOWN_ERRORS.contains(code) ? code : "another error";
      LOG.warn("a sign-in through the provider came to nothing: {}", why);
    }
    audit.noteSignIn(who, "sign-in refused", "through the provider: " + why + ", from " + client);
    redirect.sendRedirect(request, response, ConsoleSecurity.SIGN_IN + "?provider=" + page);
  }

  /** The provider's own word where Spring has none for it: a refused client is answered 401. */
  private static String code(OAuth2AuthenticationException failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof RestClientResponseException answer) {
        try {
          String said =
              JSONObjectUtils.getString(
                  JSONObjectUtils.parse(answer.getResponseBodyAsString()), "error");
          if (said != null) {
            return said;
          }
        } catch (com.nimbusds.oauth2.sdk.ParseException e) {
          // It gave no reason.
        }
      }
    }
    return failure.getError().getErrorCode();
  }

  /** Not reached, or not fit to answer. */
  private static boolean isAway(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof IdentityProvider.AwayException
          || t instanceof ResourceAccessException
          || t instanceof KeySourceException
          || (t instanceof RestClientResponseException answer
              && answer.getStatusCode().is5xxServerError())) {
        return true;
      }
    }
    return false;
  }

  /** Stands where people come back from the provider. */
  private final class Arrival extends OncePerRequestFilter {
    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
      return !request.getServletPath().startsWith(GO)
          && !request.getServletPath().startsWith(COME_BACK);
    }

    @Override
    protected void doFilterInternal(
        HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws ServletException, IOException {
      if (clients.secondsToWait(request.getRemoteAddr(), System.nanoTime()) > 0) {
        redirect.sendRedirect(request, response, ConsoleSecurity.SIGN_IN + "?refused");
      } else if (request.getServletPath().startsWith(COME_BACK)
          && request.getParameter(HERE) == null) {
        String query = request.getQueryString();
        leadOn(
            response,
            request.getRequestURI() + "?" + (query == null ? "" : query + "&") + HERE + "=1");
      } else {
        chain.doFilter(request, response);
      }
    }
  }

  /** A page that leads on by itself, from this site. */
  private static void leadOn(HttpServletResponse response, String address) throws IOException {
    response.setContentType("text/html;charset=UTF-8");
    String to = HtmlUtils.htmlEscape(address);
    response
        .getWriter()
        .write(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                + "<meta http-equiv=\"refresh\" content=\"0;url="
                + to
                + "\"><title>PMS Link</title></head><body><p><a href=\""
                + to
                + "\">Go on</a></p></body></html>");
  }

  /** What the provider would let us do in somebody's name is thrown away: we do nothing there. */
  private static final class NothingKept implements OAuth2AuthorizedClientRepository {
    @Override
    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    public <T extends OAuth2AuthorizedClient> T loadAuthorizedClient(
        String registration, Authentication who, HttpServletRequest request) {
      return null;
    }

    @Override
    public void saveAuthorizedClient(
        OAuth2AuthorizedClient client,
        Authentication who,
        HttpServletRequest request,
        HttpServletResponse response) {}

    @Override
    public void removeAuthorizedClient(
        String registration,
        Authentication who,
        HttpServletRequest request,
        HttpServletResponse response) {}
  }
}
