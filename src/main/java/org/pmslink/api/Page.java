package org.pmslink.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Some of many. A cursor names the last one that was seen, so that what comes or goes meanwhile
 * shifts nothing.
 *
 * @param next what to ask for the page behind this one with; absent on the last
 */
record Page<T>(
    List<T> items,
    @Schema(description = "Send as cursor for the page behind this one; absent on the last.")
        @Nullable String next) {
  static final String USUAL = "50";
  private static final int MOST = 200;

  /** A limit that a caller asked for, if it can be had. */
  static int limit(int asked) {
    if (asked < 1 || asked > MOST) {
      throw new Problem.Refused(400, "limit: from 1 to " + MOST);
    }
    return asked;
  }

  /**
   * A page of what was found.
   *
   * @param found one more than the limit, when there are more
   * @param position of one of them, in their order
   */
  static <T> Page<T> of(List<T> found, int limit, Function<T, String> position) {
    return found.size() <= limit
        ? new Page<>(found, null)
        : new Page<>(
            List.copyOf(found.subList(0, limit)), cursor(position.apply(found.get(limit - 1))));
  }

  /** The page behind a position, of all that there are. */
  static <T> Page<T> within(
      List<T> all, int limit, @Nullable String cursor, Function<T, String> position) {
    String after = cursor == null ? null : position(cursor);
    int from = 0;
    if (after != null) {
      while (from < all.size() && !position.apply(all.get(from)).equals(after)) {
        from++;
      }
      if (from == all.size()) {
        throw new Problem.Refused(
            400, "cursor: what it stood for is gone; begin again without one");
      }
      from++;
    }
    return of(
        List.copyOf(all.subList(from, Math.min(all.size(), from + limit + 1))), limit, position);
  }

  <R> Page<R> map(Function<T, R> each) {
    return new Page<>(items.stream().map(each).toList(), next);
  }

  static String cursor(String position) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(position.getBytes(UTF_8));
  }

  static String position(@Nullable String cursor) {
    if (cursor == null) {
      return "";
    }
    try {
      return new String(Base64.getUrlDecoder().decode(cursor), UTF_8);
    } catch (IllegalArgumentException e) {
      throw noCursor();
    }
  }

  static long number(@Nullable String cursor) {
    try {
      return cursor == null ? 0 : Long.parseLong(position(cursor));
    } catch (NumberFormatException e) {
      throw noCursor();
    }
  }

  static Problem.Refused noCursor() {
    return new Problem.Refused(400, "cursor: none that a page has given");
  }
}
