package org.pmslink.event;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.net.URISyntaxException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.pmslink.security.PayloadCipher;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;

/** Who is told of a practice's events over HTTP, and how that goes. */
@Component
public class Webhooks {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
  private static final int LONGEST_URL = 2000;
  private static final int SECRET_BYTES = 32;

  /** As receivers' libraries for Standard Webhooks take it. */
  static final String SECRET_PREFIX = "whsec_";

  private static final String PURPOSE = "webhook";

  private final JdbcTemplate database;
  private final PayloadCipher cipher;
  private final SecureRandom random = new SecureRandom();

  Webhooks(JdbcTemplate database, PayloadCipher cipher) {
    this.database = database;
    this.cipher = cipher;
  }

  /**
   * A webhook and how it does.
   *
   * @param host of its address, whose rest may be a secret
   * @param failingSince when an attempt first failed, none having come through since
   * @param lastAnswer a status of HTTP, or what kind of failure
   * @param waiting events that are to be sent yet
   * @param givenUp events that nobody tries to send any more
   */
  public record Listed(
      String practice,
      String name,
      String host,
      Instant createdAt,
      @Nullable Instant failingSince,
      @Nullable String lastAnswer,
      long waiting,
      long givenUp) {}

  /**
   * Adds a webhook, which is told of what happens from now on.
   *
   * @param mayBePrivate whether its address may lie on this machine or in a private network
   * @return the secret that its events are signed with, shown this once
   * @throws IllegalArgumentException when the address cannot be used, the name is taken, or there
   *     is no such practice
   */
  @Transactional
  public String add(String practice, String name, String url, boolean mayBePrivate) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "a name has letters, digits, dots, hyphens; at most 64 of them");
    }
    requireUsable(url, mayBePrivate);
    byte[] key = new byte[SECRET_BYTES];
    random.nextBytes(key);
    String secret = SECRET_PREFIX + Base64.getEncoder().encodeToString(key);
    try {
      int added =
          database.update(
              """
              insert into webhooks (practice_id, name, url, secret, private_network)
              select id, ?, ?, ?, ? from practices where practice = ?""",
              name,
              url,
              cipher.seal(secret.getBytes(UTF_8), PURPOSE),
              mayBePrivate,
              practice);
      if (added == 0) {
        throw new IllegalArgumentException("there is no practice " + practice);
      }
    } catch (DuplicateKeyException e) {
      throw new IllegalArgumentException(
          "the practice has a webhook " + name + " already; remove it first");
    }
    return secret;
  }

  /** TLS, unless it stays on this machine. */
  static URI requireUsable(String url, boolean mayBePrivate) {
    URI uri;
    try {
      uri = new URI(url);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("the address is no URL");
    }
    String host = uri.getHost();
    if (host == null || url.length() > LONGEST_URL) {
      throw new IllegalArgumentException(
          "the address must be a URL with a host, of at most 2,000 characters");
    }
    if (uri.getUserInfo() != null || uri.getFragment() != null) {
      throw new IllegalArgumentException(
          "the address must hold no user and no part behind #; what is sent is signed instead");
    }
    boolean here = host.equals("127.0.0.1") || host.equals("[::1]") || host.equals("localhost");
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    if (!scheme.equals("https") && !(scheme.equals("http") && here)) {
      throw new IllegalArgumentException("the address must begin with https://");
    }
    if (here && !mayBePrivate) {
      throw new IllegalArgumentException(
          "the address is on this machine; if that is meant, allow private networks");
    }
    return uri;
  }

  /** All webhooks that were not removed. */
  public List<Listed> list() {
    // Of all practices, for whoever runs the installation.
    return database.query(
        """
        select r.practice, w.name, w.url, w.created_at, w.failing_since, w.last_answer,
          (select count(*) from webhook_deliveries d where d.practice_id = w.practice_id
             and d.webhook_id = w.id and d.state = 'WAITING'),
          (select count(*) from webhook_deliveries d where d.practice_id = w.practice_id
             and d.webhook_id = w.id and d.state = 'GIVEN_UP')
        from webhooks w join practices r on r.id = w.practice_id
        where w.removed_at is null order by r.practice, w.name""",
        (row, n) ->
            new Listed(
                row.getString(1),
                row.getString(2),
                String.valueOf(URI.create(row.getString(3)).getHost()),
                row.getTimestamp(4).toInstant(),
                row.getTimestamp(5) == null ? null : row.getTimestamp(5).toInstant(),
                row.getString(6),
                row.getLong(7),
                row.getLong(8)));
  }

  /**
   * Removes a webhook; what it has not got is sent no more.
   *
   * @return false when there is none of that name
   */
  @Transactional
  public boolean remove(String practice, String name) {
    Optional<Integer> webhook = id(practice, name);
    webhook.ifPresent(
        id -> {
          database.update(
              """
              delete from webhook_deliveries where webhook_id = ? and practice_id =
                (select practice_id from webhooks where id = ?)""",
              id,
              id);
          // The secret goes with it.
          database.update(
              "update webhooks set removed_at = now(), secret = ''::bytea where id = ?", id);
        });
    return webhook.isPresent();
  }

  /**
   * Sends events again: all that were given up, or one, whatever became of it.
   *
   * @param event its id; {@code null} for all that were given up
   * @return how many, or nothing when there is no webhook of that name
   */
  @Transactional
  public Optional<Integer> resend(String practice, String name, @Nullable UUID event) {
    return id(practice, name)
        .map(
            id -> {
              int again =
                  database.update(
                      """
                      update webhook_deliveries d set state = 'WAITING', attempts = 0,
                        waiting_since = now(), next_attempt_at = now(), ended_at = null
                      from webhooks w
                      where w.id = ? and d.practice_id = w.practice_id and d.webhook_id = w.id
                        and case when ?::uuid is null then d.state = 'GIVEN_UP'
                            else d.event_id = (select e.id from events e
                                               where e.practice_id = w.practice_id
                                                 and e.event_id = ?::uuid) end""",
                      id,
                      event,
                      event);
              database.update(
                  """
                  update webhooks set next_turn_at = now(), failing_since = null, failures = 0
                  where id = ?""",
                  id);
              return again;
            });
  }

  private Optional<Integer> id(String practice, String name) {
    return database
        .queryForList(
            """
            select w.id from webhooks w join practices r on r.id = w.practice_id
            where r.practice = ? and w.name = ? and w.removed_at is null for update of w""",
            Integer.class,
            practice,
            name)
        .stream()
        .findFirst();
  }

  /** The key within a sealed secret. */
  byte[] key(byte[] sealed) {
    String secret = new String(cipher.open(sealed, PURPOSE), UTF_8);
    return Base64.getDecoder().decode(secret.substring(SECRET_PREFIX.length()));
  }
}
