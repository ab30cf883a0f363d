package org.pmslink.access;

import java.util.Locale;
import java.util.Set;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/**
 * Names that the audit and the history of links tell actors apart by. People and programs share
 * them: what was done by a token must not look like a person's own decision, nor like a rule's.
 */
@Component
class ActorNames {
  /** What the engine calls itself, in one place or another. */
  private static final Set<String> OURS = Set.of("rule", "feed", "engine", "system", "unknown");

  private final JdbcClient database;

  ActorNames(JdbcClient database) {
    this.database = database;
  }

  /**
   * @throws IllegalArgumentException when the name stands for somebody else, in whatever case
   */
  void claim(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    if (OURS.contains(lower)) {
      throw new IllegalArgumentException(
          "the engine itself is called " + name + "; choose another");
    }
    if (database
        .sql(
            """
            select exists (select 1 from users where login = ?)
              or exists (select 1 from access_tokens where lower(name) = ?)""")
        .params(lower, lower)
        .query(Boolean.class)
        .single()) {
      throw new IllegalArgumentException(
          "there is or was a user or a token "
              + name
              + "; the audit tells them apart by name, so choose another");
    }
  }
}
