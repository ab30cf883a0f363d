package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.sample.OpenIdProvider;

/** A browser's part: cookies of both sites, by hand, since the engine's are for HTTPS. */
class Visitor {
  /** Where a form stands that no other site can send. */
  static final Pattern TOKEN = Pattern.compile("name=\"_csrf\"[^>]*value=\"([^\"]+)\"");

  private static final Pattern LEADS_ON = Pattern.compile("content=\"0;url=([^\"]+)\"");
  private static final HttpClient HTTP =
      HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).build();

  private static final AtomicInteger STAFF = new AtomicInteger(1);

  /** Of those who sign in with one. */
  static final String PASSWORD = "a sentence to remember";

  private final Engine engine;
  private final OpenIdProvider provider;

  private final Map<String, Map<String, String>> cookies = new TreeMap<>();

  /** Against requests of other sites; of the last form that was shown. */
  String token = "";

  /** Who has signed in with a password; empty for nobody. */
  String login = "";

  /** Goes to no provider. */
  Visitor(Engine engine) {
    this(engine, new OpenIdProvider(OpenIdProvider.freePort()));
  }

  Visitor(Engine engine, OpenIdProvider provider) {
    this.engine = engine;
    this.provider = provider;
  }

  /** Somebody new who has this role in a practice, and has signed in. */
  static Visitor signedIn(Engine engine, String practice, Role role) throws Exception {
    Visitor person = new Visitor(engine);
    person.login = role.label() + "-v" + STAFF.getAndIncrement();
    Users users = engine.bean(Users.class);
    users.changePassword(person.login, users.add(person.login), PASSWORD);
    users.grant(person.login, practice, role);
    assertThat(person.signIn(person.login)).endsWith("/console");
    person.get("/password");
    return person;
  }

  /** Signs in with the password; where that leads. */
  String signIn(String as) throws Exception {
    get("/sign-in");
    return location(post("/sign-in", "login", as, "password", PASSWORD));
  }

  HttpResponse<String> get(String address) throws Exception {
    return send("GET", address, "");
  }

  /** As the script of a page that asks again by itself. */
  HttpResponse<String> getAsScript(String address) throws Exception {
    return send("GET", address, "", "HX-Request", "true");
  }

  HttpResponse<String> post(String address, String... values) throws Exception {
    StringBuilder form = new StringBuilder("_csrf=" + URLEncoder.encode(token, UTF_8));
    for (int i = 0; i < values.length; i += 2) {
      form.append('&').append(values[i]).append('=');
      form.append(URLEncoder.encode(values[i + 1], UTF_8));
    }
    return send("POST", address, form.toString());
  }

  /** By any method; values go along with what is posted. */
  HttpResponse<String> ask(String method, String address, String... values) throws Exception {
    return method.equals("POST") ? post(address, values) : send(method, address, "");
  }

  private HttpResponse<String> send(String method, String address, String form, String... headers)
      throws Exception {
    URI url = URI.create(address.startsWith("/") ? engine.url() + address : address);
    Map<String, String> own = cookies.computeIfAbsent(url.getHost(), host -> new TreeMap<>());
    HttpRequest.Builder request = HttpRequest.newBuilder(url).timeout(Duration.ofSeconds(30));
    if (!own.isEmpty()) {
      StringBuilder line = new StringBuilder();
      own.forEach((name, value) -> line.append(name).append('=').append(value).append("; "));
      request.header("Cookie", line.toString());
    }
    request.header("Accept", "text/html");
    if (headers.length > 0) {
      request.headers(headers);
    }
    if (method.equals("POST")) {
      request.header("Content-Type", "application/x-www-form-urlencoded");
    }
    HttpResponse<String> answer =
        HTTP.send(
            request.method(method, HttpRequest.BodyPublishers.ofString(form)).build(),
            HttpResponse.BodyHandlers.ofString());
    for (String set : answer.headers().allValues("Set-Cookie")) {
      String pair = set.substring(0, set.indexOf(';'));
      own.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
    }
    Matcher found = TOKEN.matcher(answer.body());
    if (found.find()) {
      token = found.group(1);
    }
    return answer;
  }

  String session() {
    return cookies.getOrDefault("127.0.0.1", Map.of()).getOrDefault("pmslink", "");
  }

  void session(String id) {
    cookies.computeIfAbsent("127.0.0.1", host -> new TreeMap<>()).put("pmslink", id);
  }

  /**
   * Goes to the provider, signs in there unless they have, and stops where the provider sends them
   * back.
   */
  String wentToProvider(String login) throws Exception {
    String there = location(get("/sign-in/with/provider"));
    assertThat(there)
        .startsWith(provider.issuer())
        .contains("code_challenge_method=S256", "&state=", "&nonce=");
    String back = location(get(there));
    if (back.startsWith(provider.issuer())) {
      get(back);
      String again = location(post(back, "username", login, "password", OpenIdProvider.PASSWORD));
      back = location(get(again));
    }
    assertThat(back).startsWith(engine.url() + "/sign-in/from/provider?code=");
    return back;
  }

  /** The whole way; where it ends. */
  String signsInThroughProvider(String login) throws Exception {
    return arrives(wentToProvider(login));
  }

  /** The request that the provider made, and the one that is ours. */
  String arrives(String back) throws Exception {
    HttpResponse<String> between = get(back);
    assertThat(between.statusCode()).isEqualTo(200);
    Matcher on = LEADS_ON.matcher(between.body());
    assertThat(on.find()).as(between.body()).isTrue();
    return location(get(on.group(1).replace("&amp;", "&")));
  }

  static String location(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(302);
    return answer.headers().firstValue("Location").orElseThrow();
  }
}
