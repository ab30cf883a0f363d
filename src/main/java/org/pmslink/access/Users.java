package org.pmslink.access;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.crypto.password.Pbkdf2PasswordEncoder;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/**
 * The people who sign in here, and what they are in which practice. Passwords are kept as PBKDF2
 * hashes (HMAC-SHA-256, 310,000 rounds, NIST SP 800-132).
 *
 * <p>Whoever signs in through a provider has no password here. They are known by the provider's own
 * number for them, which is never another's, and not by a name or an address that they could give
 * themselves there.
 */
@Component
@EnableConfigurationProperties({AccessSettings.class, OpenIdSettings.class})
public class Users {
  /** NIST SP 800-63B asks for eight at least, and for fifteen where nothing else is asked for. */
  private static final int SHORTEST_PASSWORD = 15;

  /** Different characters of a password, at least. */
  private static final int FEWEST_CHARACTERS = 5;

  private static final int LONGEST_PASSWORD = 200;
  private static final int FIRST_PASSWORD_BYTES = 15;
  private static final Pattern LOGIN = Pattern.compile("[a-z0-9][a-z0-9._@-]{0,63}");

  /** Who signs in first, to make the other users' first passwords unnecessary to hand around. */
  private static final String FIRST_USER = "admin";

  private final JdbcClient database;
  private final ActorNames names;
  private final AccessSettings settings;
  private final OpenIdSettings provider;
  private final PasswordEncoder encoder = Pbkdf2PasswordEncoder.defaultsForSpringSecurity_v5_8();
  private final SecureRandom random = new SecureRandom();

  Users(JdbcClient database, ActorNames names, AccessSettings settings, OpenIdSettings provider) {
    this.database = database;
    this.names = names;
    this.settings = settings;
    this.provider = provider;
  }

  /**
   * Somebody who may sign in.
   *
   * @param login what they sign in as; what the audit calls them
   * @param mustChangePassword whether the password was given to them
   * @param throughProvider whether a provider vouches for them, and there is no password
   */
  public record User(
      long id,
      String login,
      boolean mustChangePassword,
      boolean disabled,
      boolean throughProvider) {}

  /** Whoever changes a password has not shown the present one. */
  static final class WrongPasswordException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    WrongPasswordException() {
      super("this is not your present password");
    }
  }

  /** A user as listed, with roles by practice; {@code *} stands for every practice. */
  public record Listed(User user, Map<String, Set<Role>> roles) {}

  /**
   * Adds somebody, who must choose another password at the first sign-in.
   *
   * @return the first password, shown this once
   * @throws IllegalArgumentException when the name is taken or none
   */
  public String add(String login) {
    String name = name(login);
    names.claim(name);
    String password = firstPassword();
    try {
      database
          .sql("insert into users (login, password_hash, must_change_password) values (?, ?, true)")
          .params(name, encoder.encode(password))
          .update();
    } catch (DuplicateKeyException e) {
      throw new IllegalArgumentException("there is a user " + name + " already", e);
    }
    return password;
  }

  private static String name(String login) {
    String name = login.toLowerCase(Locale.ROOT);
    if (!LOGIN.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "a user's name has letters, digits and . _ @ - in it, at most 64; this one has not");
    }
    return name;
  }

  /**
   * Adds somebody who will sign in through the provider.
   *
   * @param subject the provider's number for them
   * @throws IllegalArgumentException when the name or the subject is taken, or there is no provider
   */
  public void addThroughProvider(String login, String subject) {
    if (!provider.isSet()) {
      throw new IllegalArgumentException(
          "no provider is set through which they could sign in: pmslink.access.oidc.issuer");
    }
    String name = name(login);
    names.claim(name);
    if (!insert(name, subject)) {
      throw new IllegalArgumentException(
          "there is a user with this subject already; see user list");
    }
  }

  /** Sessions count from ever on: the clocks of the store and of the engine may differ. */
  private boolean insert(String name, String subject) {
    return database
            .sql(
                """
                insert into users (login, issuer, subject, must_change_password, sessions_valid_from)
                values (?, ?, ?, false, 'epoch') on conflict do nothing""")
            .params(name, provider.issuer(), subject)
            .update()
        == 1;
  }

  /** Whom the provider vouches for, if they have been here or were added. */
  Optional<User> bySubject(String subject) {
    return database
        .sql("select login from users where issuer = ? and subject = ?")
        .params(provider.issuer(), subject)
        .query(String.class)
        .optional()
        .map(this::user);
  }

  /**
   * Keeps somebody whom the provider vouches for and who has not been here before.
   *
   * @return nobody when another is called so here, or when nobody can be
   */
  Optional<User> arrive(String login, String subject) {
    try {
      String name = name(login);
      names.claim(name);
      insert(name, subject);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    return bySubject(subject);
  }

  /** Who signs in first, and how. */
  public record First(String login, String password) {}

  /**
   * The first user of a new installation, with every role in every practice; none when there are
   * users, or none may sign in with a password.
   *
   * @return shown this once
   */
  @Transactional
  public Optional<First> first() {
    if (!settings.localPasswords()) {
      return Optional.empty();
    }
    // Two engines that start at once on one database make one user, not two.
    database.sql("lock table users in share row exclusive mode").update();
    if (database.sql("select exists (select 1 from users)").query(Boolean.class).single()) {
      return Optional.empty();
    }
    String password = add(FIRST_USER);
    for (Role role : Role.OF_PEOPLE) {
      grant(FIRST_USER, null, role);
    }
    return Optional.of(new First(FIRST_USER, password));
  }

  /**
   * Gives somebody a role.
   *
   * @param practice {@code null} for every practice
   * @throws IllegalArgumentException when there is no such user or practice, or no person is in
   *     that role
   */
  public void grant(String login, @Nullable String practice, Role role) {
    if (!Role.OF_PEOPLE.contains(role)) {
      throw new IllegalArgumentException(
          "no person is a " + role.label() + "; give the role to a token");
    }
    database
        .sql(
            """
            insert into user_roles (user_id, practice_id, role) values (?, ?, ?)
            on conflict (user_id, practice_id, role) do nothing""")
        .params(user(login).id(), practiceId(practice), role.name())
        .update();
  }

  /** Takes a role away; whether they had it. Holds from their next click. */
  public boolean revoke(String login, @Nullable String practice, Role role) {
    return database
            .sql(
                """
                delete from user_roles
                where user_id = ? and practice_id is not distinct from ? and role = ?""")
            .params(user(login).id(), practiceId(practice), role.name())
            .update()
        == 1;
  }

  /**
   * A new first password, which must be changed at once; also lets a disabled user in again.
   *
   * @throws IllegalArgumentException when there is no such user, or one without a password
   */
  public String reset(String login) {
    if (user(login).throughProvider()) {
      throw new IllegalArgumentException(
          login + " signs in through the provider and has no password here; see user enable");
    }
    String password = firstPassword();
    database
        .sql(
            """
            update users set password_hash = ?, must_change_password = true, disabled_at = null,
              sessions_valid_from = now()
            where id = ?""")
        .params(encoder.encode(password), user(login).id())
        .update();
    return password;
  }

  /** Lets somebody in no more, from the next click on. */
  public void disable(String login) {
    database
        .sql("update users set disabled_at = now() where id = ? and disabled_at is null")
        .param(user(login).id())
        .update();
  }

  /** Lets somebody in again who was disabled. */
  public void enable(String login) {
    database
        .sql("update users set disabled_at = null where id = ?")
        .param(user(login).id())
        .update();
  }

  /**
   * Changes a password as its owner wants.
   *
   * @throws IllegalArgumentException saying what is wrong with the new one, or that the old is not
   *     it
   */
  public void changePassword(String login, String old, String fresh) {
    User user = user(login);
    String hash = hash(user.id());
    if (hash == null || !encoder.matches(old, hash)) {
      throw new WrongPasswordException();
    }
    if (fresh.length() < SHORTEST_PASSWORD) {
      throw new IllegalArgumentException(
          "the new password needs at least " + SHORTEST_PASSWORD + " characters");
    }
    if (fresh.length() > LONGEST_PASSWORD) {
      throw new IllegalArgumentException(
          "the new password has more than " + LONGEST_PASSWORD + " characters");
    }
    if (encoder.matches(fresh, hash)) {
      throw new IllegalArgumentException("the new password is the old one");
    }
    if (fresh.toLowerCase(Locale.ROOT).contains(user.login())) {
      throw new IllegalArgumentException(
          "the new password is too easy to guess: the name that you sign in with is part of it");
    }
    if (fresh.chars().distinct().count() < FEWEST_CHARACTERS) {
      throw new IllegalArgumentException(
          "the new password is too easy to guess: it is made of fewer than "
              + FEWEST_CHARACTERS
              + " different characters");
    }
    database
        .sql(
            """
            update users set password_hash = ?, must_change_password = false,
              sessions_valid_from = now()
            where id = ?""")
        .params(encoder.encode(fresh), user.id())
        .update();
  }

  /** Who that is; users are found by what they sign in as, in any case. */
  public Optional<User> find(String login) {
    return database
        .sql(
            """
            select id, login, must_change_password, disabled_at, subject is not null
            from users where login = ?""")
        .param(login.toLowerCase(Locale.ROOT))
        .query(
            (row, n) ->
                new User(
                    row.getLong(1),
                    row.getString(2),
                    row.getBoolean(3),
                    row.getTimestamp(4) != null,
                    row.getBoolean(5)))
        .optional();
  }

  /**
   * What must hold for a session to go on.
   *
   * @param validFrom sessions that began earlier are over: the password is another since
   */
  record Session(boolean disabled, boolean mustChangePassword, java.time.Instant validFrom) {}

  Session session(long user) {
    return database
        .sql(
            """
            select disabled_at is not null, must_change_password, sessions_valid_from
            from users where id = ?""")
        .param(user)
        .query(
            (row, n) ->
                new Session(row.getBoolean(1), row.getBoolean(2), row.getTimestamp(3).toInstant()))
        .single();
  }

  /** What somebody is, by practice: of those there are. */
  public Map<String, Set<Role>> roles(long user) {
    Map<String, Set<Role>> roles = new TreeMap<>();
    database
        .sql(
            """
            select p.practice, r.role from user_roles r
            join practices p on p.id = r.practice_id or r.practice_id is null
            where r.user_id = ?""")
        .param(user)
        .query(
            (row, n) ->
                roles
                    .computeIfAbsent(row.getString(1), practice -> EnumSet.noneOf(Role.class))
                    .add(Role.valueOf(row.getString(2))))
        .list();
    return roles;
  }

  /** The same with what a provider claims of them. */
  Map<String, Set<Role>> roles(SignedIn.Who who) {
    Map<String, Set<Role>> roles = roles(who.user());
    if (!who.claimed().isEmpty()) {
      for (String practice :
          database.sql("select practice from practices").query(String.class).list()) {
        for (String claimed : List.of(practice, ClaimedRole.EVERYWHERE)) {
          who.claimed()
              .getOrDefault(claimed, Set.of())
              .forEach(
                  role ->
                      roles.computeIfAbsent(practice, p -> EnumSet.noneOf(Role.class)).add(role));
        }
      }
    }
    return roles;
  }

  /** All users: for whoever runs the installation. */
  public List<Listed> list() {
    Map<String, Listed> users = new LinkedHashMap<>();
    for (String login :
        database.sql("select login from users order by login").query(String.class).list()) {
      users.put(login, new Listed(user(login), new TreeMap<>()));
    }
    database
        .sql(
            """
            select u.login, coalesce(p.practice, '*'), r.role from user_roles r
            join users u on u.id = r.user_id left join practices p on p.id = r.practice_id""")
        .query(
            (row, n) ->
                java.util.Objects.requireNonNull(users.get(row.getString(1)))
                    .roles()
                    .computeIfAbsent(row.getString(2), practice -> EnumSet.noneOf(Role.class))
                    .add(Role.valueOf(row.getString(3))))
        .list();
    return new ArrayList<>(users.values());
  }

  PasswordEncoder encoder() {
    return encoder;
  }

  @Nullable String hash(long user) {
    return database
        .sql("select password_hash from users where id = ?")
        .param(user)
        .query(String.class)
        .optional()
        .orElse(null);
  }

  private User user(String login) {
    return find(login).orElseThrow(() -> new IllegalArgumentException("there is no user " + login));
  }

  private @Nullable Integer practiceId(@Nullable String practice) {
    if (practice == null) {
      return null;
    }
    return database
        .sql("select id from practices where practice = ?")
        .param(practice)
        .query(Integer.class)
        .optional()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no practice " + practice + "; one exists once a feed has named it"));
  }

  private String firstPassword() {
    byte[] bytes = new byte[FIRST_PASSWORD_BYTES];
    random.nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
