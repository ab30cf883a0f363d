package org.pmslink.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Tokens by which programs call the engine, each for one practice and in one role. 256 random bits
 * need no salt and no slow hash: what is kept is their SHA-256, from which no token can be found.
 */
@Component
public class AccessTokens {
  private static final int TOKEN_BYTES = 32;
  private static final byte[] NO_HASH = new byte[32];

  private final JdbcClient database;
  private final ActorNames names;
  private final SecureRandom random = new SecureRandom();

  AccessTokens(JdbcClient database, ActorNames names) {
    this.database = database;
    this.names = names;
  }

  /** A token as it is listed. */
  public record Listed(
      String practice,
      String name,
      Role role,
      Instant createdAt,
      @Nullable Instant lastUsedAt,
      @Nullable Instant revokedAt) {}

  /**
   * Makes a token, which is shown this once.
   *
   * @throws IllegalArgumentException when there is no such practice, or the name has been used
   */
  public String create(String practice, String name, Role role) {
    names.claim(name);
    byte[] bytes = new byte[TOKEN_BYTES];
    random.nextBytes(bytes);
    String token = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    try {
      int created =
          database
              .sql(
                  """
                  insert into access_tokens (practice_id, name, role, token_hash)
                  select id, ?, ?, ? from practices where practice = ?""")
              .params(name, role.name(), hash(token), practice)
              .update();
      if (created == 0) {
        throw new IllegalArgumentException(
            "there is no practice " + practice + "; one exists once a feed has named it");
      }
    } catch (DuplicateKeyException e) {
      throw new IllegalArgumentException(
          "there is or was a token " + name + "; the audit tells tokens apart by name", e);
    }
    return token;
  }

  /** All tokens of all practices: for whoever runs the installation. */
  public List<Listed> list() {
    return database
        .sql(
            """
            select p.practice, t.name, t.role, t.created_at, t.last_used_at, t.revoked_at
            from access_tokens t join practices p on p.id = t.practice_id
            order by p.practice, t.name""")
        .query(
            (row, n) ->
                new Listed(
                    row.getString(1),
                    row.getString(2),
                    Role.valueOf(row.getString(3)),
                    row.getTimestamp(4).toInstant(),
                    instant(row.getTimestamp(5)),
                    instant(row.getTimestamp(6))))
        .list();
  }

  private static @Nullable Instant instant(@Nullable Timestamp at) {
    return at == null ? null : at.toInstant();
  }

  /**
   * Revokes a token for good.
   *
   * @return the practice that it was for; nothing when there is none that was not revoked
   */
  public Optional<String> revoke(String name) {
    return database
        .sql(
            """
            update access_tokens t set revoked_at = now() from practices p
            where t.name = ? and t.revoked_at is null and p.id = t.practice_id
            returning p.practice""")
        .param(name)
        .query(String.class)
        .optional();
  }

  private record Known(Caller caller, byte[] hash, boolean revoked) {}

  /**
   * Who bears this token. The same steps for every token, good or not: one look-up by hash, from
   * whose time nothing can be learned about a token, and a comparison in constant time.
   *
   * @return {@code null} for nobody
   */
  @Nullable Caller bearer(String token) {
    byte[] hash = hash(token);
    Known known =
        database
            .sql(
                """
                select t.id, t.name, t.practice_id, p.practice, t.role, t.token_hash,
                       t.revoked_at is not null
                from access_tokens t join practices p on p.id = t.practice_id
                where t.token_hash = ?""")
            .param(hash)
            .query(
                (row, n) ->
                    new Known(
                        new Caller(
                            row.getLong(1),
                            row.getString(2),
                            row.getInt(3),
                            row.getString(4),
                            Role.valueOf(row.getString(5)).rights()),
                        row.getBytes(6),
                        row.getBoolean(7)))
            .optional()
            .orElse(null);
    boolean same = MessageDigest.isEqual(hash, known == null ? NO_HASH : known.hash);
    return known != null && same && !known.revoked ? known.caller : null;
  }

  /** Notes that a token was used, to the minute: else calls would wait for one another's row. */
  void used(Caller caller) {
    database
        .sql(
            """
            update access_tokens set last_used_at = now()
            where practice_id = ? and id = ?
              and (last_used_at is null or last_used_at < now() - interval '1 minute')""")
        .params(caller.practiceId(), caller.token())
        .update();
  }

  private static byte[] hash(String token) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(token.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
