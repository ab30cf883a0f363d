package org.pmslink.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.net.URI;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.membership.RefusedException;
import org.pmslink.office.NotAllowedException;
import org.springframework.http.ResponseEntity;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.util.UriUtils;

/**
 * Creates what programs ask for, once for each key that they give (the header Idempotency-Key). The
 * answer is kept in the transaction that creates: after a crash there are both or neither. What was
 * refused is not kept, and is tried anew.
 */
@Component
class Creations {
  private static final String HEADER = "Idempotency-Key";
  private static final int LONGEST_KEY = 200;

  private final JdbcClient database;
  private final TransactionTemplate transactions;
  private final Audit audit;

  Creations(JdbcClient database, PlatformTransactionManager transactions, Audit audit) {
    this.database = database;
    this.transactions = new TransactionTemplate(transactions);
    this.audit = audit;
  }

  /**
   * What was created.
   *
   * @param at below the practice, for example {@code /members/M1}
   */
  record Created<T>(String at, T resource) {}

  /** Creates something. */
  @FunctionalInterface
  interface Creation<T> {
    Created<T> create() throws RefusedException;
  }

  /** Carries a refusal out of a transaction, which it ends. */
  private static final class Undone extends RuntimeException {
    private static final long serialVersionUID = 1L;
    final RefusedException refused;

    Undone(RefusedException refused) {
      super(refused);
      this.refused = refused;
    }
  }

  private record Kept(byte[] request, String location, String etag, String body) {}

  /**
   * Creates, or answers as before.
   *
   * @throws RefusedException as the creation
   */
  <T> ResponseEntity<T> create(Caller caller, HttpServletRequest request, Creation<T> creation)
      throws RefusedException, IOException {
    String key = request.getHeader(HEADER);
    if (key != null
        && (key.isBlank()
            || key.length() > LONGEST_KEY
            || !key.chars().allMatch(c -> c > ' ' && c < 127))) {
      throw new Problem.Refused(
          400, HEADER + ": 1 to " + LONGEST_KEY + " visible characters of ASCII");
    }
    byte[] hash = hash(request);
    try {
      ResponseEntity<T> answer =
          transactions.execute(
              status -> {
                Kept before = key == null ? null : claim(caller, key, hash);
                if (before != null) {
                  return again(caller, before, hash);
                }
                Created<T> created;
                try {
                  created = creation.create();
                } catch (RefusedException e) {
                  throw new Undone(e);
                }
                String location =
                    UriUtils.encodePath(
                        ApiJson.PRACTICES + caller.practice() + created.at(), UTF_8);
                String etag = Tags.of(created.resource());
                if (key != null) {
                  keep(caller, key, location, etag, ApiJson.write(created.resource()));
                }
                return ResponseEntity.created(URI.create(location))
                    .eTag(etag)
                    .body(created.resource());
              });
      return java.util.Objects.requireNonNull(answer);
    } catch (Undone e) {
      if (e.refused instanceof NotAllowedException not && !not.attempt().isEmpty()) {
        audit.note(caller, "refused", not.attempt());
      }
      throw e.refused;
    } catch (Problem.Refused e) {
      // The search was noted in the transaction that is undone, and what it found is sent.
      if (e.problem.candidates() != null) {
        audit.note(
            caller,
            "searched patients",
            Audit.about(
                e.problem.candidates().size() + " like a new member",
                e.problem.candidates().stream().map(Problem.Alike::name).toList()));
      }
      if (e.problem.members() != null) {
        audit.note(
            caller,
            "searched members",
            Audit.about(e.problem.members().size() + " like a new member", e.problem.members()));
      }
      throw e;
    }
  }

  /** What was answered to this key; {@code null} when it is new, and ours from now on. */
  private @Nullable Kept claim(Caller caller, String key, byte[] hash) {
    database
        .sql(
            """
            delete from api_creations
            where practice_id = ? and created_at < now() - interval '1 day'""")
        .param(caller.practiceId())
        .update();
    // Waits for whoever is creating under this key just now.
    int claimed =
        database
            .sql(
                """
                insert into api_creations (practice_id, caller, request_key, request)
                values (?, ?, ?, ?) on conflict do nothing""")
            .params(caller.practiceId(), caller.name(), key, hash)
            .update();
    return claimed == 1
        ? null
        : database
            .sql(
                """
                select request, location, etag, body from api_creations
                where practice_id = ? and caller = ? and request_key = ?""")
            .params(caller.practiceId(), caller.name(), key)
            .query(
                (row, n) ->
                    new Kept(row.getBytes(1), row.getString(2), row.getString(3), row.getString(4)))
            .single();
  }

  private void keep(Caller caller, String key, String location, String etag, String body) {
    database
        .sql(
            """
            update api_creations set location = ?, etag = ?, body = ?::json
            where practice_id = ? and caller = ? and request_key = ?""")
        .params(location, etag, body, caller.practiceId(), caller.name(), key)
        .update();
  }

  @SuppressWarnings("unchecked") // The body is only written, and reads as it did.
  private <T> ResponseEntity<T> again(Caller caller, Kept kept, byte[] hash) {
    if (!MessageDigest.isEqual(kept.request(), hash)) {
      throw new Problem.Refused(422, HEADER + ": was used for another request");
    }
    audit.note(caller, "answered again", kept.location());
    try {
      JsonNode body = ApiJson.MAPPER.readTree(kept.body());
      return (ResponseEntity<T>)
          ResponseEntity.created(URI.create(kept.location())).eTag(kept.etag()).body(body);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a kept answer is not JSON", e);
    }
  }

  private static byte[] hash(HttpServletRequest request) throws IOException {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      sha.update((request.getRequestURI() + "\n").getBytes(UTF_8));
      return sha.digest(request.getInputStream().readAllBytes());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
