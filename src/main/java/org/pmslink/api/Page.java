package org.pmslink.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.swagger.v3.oas.annotations.media.Schema;
import java.util.Base64;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.ToLongFunction;
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
  private static final int USUAL = 50;
  private static final int MOST = 200;

  /** Which page a caller asks for, in the address: how many at most, and behind which. */
  record Wanted(
      @Schema(defaultValue = "" + USUAL) @Nullable Integer limit, @Nullable String cursor) {

    /** How many, if so many can be had. */
    int most() {
      return Page.limit(limit, USUAL);
    }

    /** Id of the last one that was seen; 0 for none. */
    long afterId() {
      return number(cursor);
    }

    /**
     * The page of what has ids.
     *
     * @param source finds so many behind an id, in their order
     */
    <T> Page<T> byId(BiFunction<Long, Integer, List<T>> source, ToLongFunction<T> id) {
      int most = most();
      return of(
          source.apply(afterId(), most + 1), most, item -> String.valueOf(id.applyAsLong(item)));
    }

    /** The same of what has positions of words; an empty one is before all. */
    <T> Page<T> byPosition(
        BiFunction<String, Integer, List<T>> source, Function<T, String> position) {
      int most = most();
      return of(source.apply(cursor == null ? "" : decoded(cursor), most + 1), most, position);
    }

    /** The page of what is found as a whole. */
    <T> Page<T> among(List<T> all, Function<T, String> position) {
      int most = most();
      int from = 0;
      if (cursor != null) {
        String after = decoded(cursor);
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
          List.copyOf(all.subList(from, Math.min(all.size(), from + most + 1))), most, position);
    }
  }

  /** A limit that a caller asked for, if it can be had. */
  static int limit(@Nullable Integer asked, int usual) {
    int limit = asked == null ? usual : asked;
    if (limit < 1 || limit > MOST) {
      throw new Problem.Refused(400, "limit: from 1 to " + MOST);
    }
    return limit;
  }

  private static <T> Page<T> of(List<T> found, int most, Function<T, String> position) {
    return found.size() <= most
        ? new Page<>(found, null)
        : new Page<>(
            List.copyOf(found.subList(0, most)), encoded(position.apply(found.get(most - 1))));
  }

  <R> Page<R> map(Function<T, R> each) {
    return new Page<>(items.stream().map(each).toList(), next);
  }

  private static String encoded(String position) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(position.getBytes(UTF_8));
  }

  private static String decoded(String cursor) {
    try {
      return new String(Base64.getUrlDecoder().decode(cursor), UTF_8);
    } catch (IllegalArgumentException e) {
      throw noCursor();
    }
  }

  private static long number(@Nullable String cursor) {
    try {
      return cursor == null ? 0 : Long.parseLong(decoded(cursor));
    } catch (NumberFormatException e) {
      throw noCursor();
    }
  }

  static Problem.Refused noCursor() {
    return new Problem.Refused(400, "cursor: none that a page has given");
  }
}
