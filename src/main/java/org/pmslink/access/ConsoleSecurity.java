package org.pmslink.access;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Locale;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.authentication.dao.DaoAuthenticationProvider;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.core.userdetails.UsernameNotFoundException;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.authentication.WebAuthenticationDetails;
import org.springframework.security.web.context.SecurityContextHolderFilter;
import org.springframework.security.web.csrf.CsrfException;
import org.springframework.security.web.csrf.MissingCsrfTokenException;
import org.springframework.security.web.header.writers.ReferrerPolicyHeaderWriter.ReferrerPolicy;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * Signing in to the console, and what browsers are told about its pages. Programs call other
 * addresses and are let in by {@link Doors}.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnWebApplication
class ConsoleSecurity implements WebMvcConfigurer {
  static final String CONSOLE = "/console";
  static final String SIGN_IN = "/sign-in";
  static final String PASSWORD = "/password";
  static final String SESSION = "/session";
  static final String SIGNED_OUT = SIGN_IN + "?signed-out";
  private static final String SIGN_OUT = "/sign-out";
  private static final String ASSETS = "/assets/**";

  /** Everything is from here; nothing is written into a page that a browser would run. */
  private static final String CONTENT_SECURITY_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
          + " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
          + " frame-ancestors 'none'";

  private final PageGuard guard;

  ConsoleSecurity(PageGuard guard) {
    this.guard = guard;
  }

  @Override
  public void addInterceptors(InterceptorRegistry registry) {
    registry.addInterceptor(guard).addPathPatterns(CONSOLE, CONSOLE + "/**", PASSWORD, SESSION);
  }

  @Bean
  SecurityFilterChain console(
      HttpSecurity http,
      AuthenticationProvider signIn,
      Users users,
      Audit audit,
      AccessSettings settings,
      OpenIdSettings openId)
      throws Exception {
    http.securityMatcher(
            "/",
            CONSOLE,
            CONSOLE + "/**",
            SIGN_IN,
            SIGN_IN + "/**",
            SIGN_OUT,
            PASSWORD,
            SESSION,
            ASSETS)
        .authorizeHttpRequests(
            requests ->
                requests
                    .requestMatchers(SIGN_IN, SIGN_IN + "/**", ASSETS)
                    .permitAll()
                    .anyRequest()
                    .authenticated())
        .logout(out -> out.logoutUrl(SIGN_OUT).logoutSuccessUrl(SIGNED_OUT))
        .addFilterBefore(new IdleSessions(settings.idle()), SecurityContextHolderFilter.class)
        .exceptionHandling(
            not ->
                not.authenticationEntryPoint(ConsoleSecurity::askToSignIn)
                    .accessDeniedHandler(ConsoleSecurity::refuse))
        .headers(
            headers ->
                headers
                    .contentSecurityPolicy(csp -> csp.policyDirectives(CONTENT_SECURITY_POLICY))
                    .referrerPolicy(referrer -> referrer.policy(ReferrerPolicy.NO_REFERRER))
                    .frameOptions(frame -> frame.deny()));
    if (settings.localPasswords()) {
      http.authenticationProvider(signIn)
          .formLogin(
              form ->
                  form.loginPage(SIGN_IN)
                      .usernameParameter("login")
                      .passwordParameter("password")
                      .defaultSuccessUrl(CONSOLE, false)
                      .failureUrl(SIGN_IN + "?refused")
                      .permitAll());
    }
    if (openId.isSet()) {
      ProviderSignIn provider =
          new ProviderSignIn(openId, users, audit, new Throttle(settings.refusalsPerMinute()));
      provider.addTo(http);
      http.logout(out -> out.logoutSuccessHandler(provider.signOut()));
    }
    return http.build();
  }

  /**
   * Sends nobody to the page where one signs in. A script that asks for a part of a page would show
   * that page within its own; it is told, and has the whole page asked for.
   */
  private static void askToSignIn(
      HttpServletRequest request, HttpServletResponse response, AuthenticationException nobody)
      throws IOException, ServletException {
    if (IdleSessions.isFromScript(request)) {
      response.setStatus(HttpStatus.UNAUTHORIZED.value());
    } else {
      new LoginUrlAuthenticationEntryPoint(SIGN_IN).commence(request, response, nobody);
    }
  }

  /**
   * A form without the token of this session is one of another site, or one that was open for
   * longer than its session: whoever sent it is told what they can do.
   */
  private static void refuse(
      HttpServletRequest request, HttpServletResponse response, AccessDeniedException refused)
      throws IOException {
    if (!(refused instanceof CsrfException)) {
      response.sendError(HttpStatus.FORBIDDEN.value());
    } else if (request.getServletPath().equals(SIGN_IN)
        && refused instanceof MissingCsrfTokenException) {
      response.sendRedirect(request.getContextPath() + SIGN_IN + "?again");
    } else if (PageGuard.signedIn() == null && !request.getServletPath().equals(SIGN_IN)) {
      response.sendError(HttpStatus.UNAUTHORIZED.value());
    } else {
      request.setAttribute(ErrorPages.OUTDATED, true);
      response.sendError(HttpStatus.FORBIDDEN.value());
    }
  }

  @Bean
  SignInWays signInWays(AccessSettings settings, OpenIdSettings openId) {
    if (!settings.localPasswords() && !openId.isSet()) {
      throw new IllegalArgumentException(
          "nobody could sign in: pmslink.access.local-passwords is false, and there is no"
              + " pmslink.access.oidc.issuer");
    }
    return new SignInWays(settings.localPasswords(), openId.isSet() ? openId.name() : null);
  }

  @Bean
  UserDetailsService signedInUsers(Users users) {
    return login -> {
      Users.User user =
          users
              .find(login)
              .filter(found -> !found.throughProvider())
              .orElseThrow(() -> new UsernameNotFoundException("no such user"));
      String hash = users.hash(user.id());
      return new SignedIn.WithPassword(
          user.id(), user.login(), hash == null ? "" : hash, !user.disabled());
    };
  }

  /**
   * Checks passwords. Spring's provider sees to it that it takes as long whether there is such a
   * user or not.
   */
  @Bean
  AuthenticationProvider signIn(
      UserDetailsService signedInUsers, Users users, Audit audit, PasswordAttempts attempts) {
    DaoAuthenticationProvider passwords =
        new DaoAuthenticationProvider(signedInUsers) {
          @Override
          public Authentication authenticate(Authentication attempt)
              throws AuthenticationException {
            String login = attempt.getName().toLowerCase(Locale.ROOT);
            String client = client(attempt);
            if (!attempts.mayBegin(login, client)) {
              audit.noteSignIn("unknown", "sign-in refused", "too many attempts, from " + client);
              throw new BadCredentialsException("too many attempts");
            }
            try {
              Authentication made = super.authenticate(attempt);
              attempts.wasRight(login, client);
              audit.noteSignIn(made.getName(), "signed in", "from " + client);
              return made;
            } catch (AuthenticationException e) {
              // Not what was typed: people type their password where the name belongs.
              audit.noteSignIn(
                  users.find(login).map(Users.User::login).orElse("unknown"),
                  "sign-in refused",
                  "from " + client);
              throw e;
            }
          }
        };
    passwords.setPasswordEncoder(users.encoder());
    return passwords;
  }

  private static String client(Authentication attempt) {
    return attempt.getDetails() instanceof WebAuthenticationDetails details
        ? details.getRemoteAddress()
        : "unknown";
  }
}
