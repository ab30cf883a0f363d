package org.pmslink.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import jakarta.servlet.http.HttpServletRequest;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import org.springframework.http.ResponseEntity;

/** Entity tags: whoever changes something says which state of it they have seen (RFC 9110). */
final class Tags {
  private static final int DIGITS = 32;

  private Tags() {}

  /** A resource with its tag. */
  static <T> ResponseEntity<T> ok(T resource) {
    return ResponseEntity.ok().eTag(of(resource)).body(resource);
  }

  /** The tag of a resource: another one when anything of it is another. */
  static String of(Object resource) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(ApiJson.write(resource).getBytes(UTF_8));
      return '"' + HexFormat.of().formatHex(hash).substring(0, DIGITS) + '"';
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  /**
   * Lets a change go on only when the caller has seen what there is.
   *
   * @throws Problem.Refused with 428 without the header If-Match, with 412 for another state
   */
  static void require(HttpServletRequest request, Object resource) {
    List<String> seen = new ArrayList<>();
    for (String header : Collections.list(request.getHeaders("If-Match"))) {
      for (String tag : header.split(",", -1)) {
        seen.add(tag.strip());
      }
    }
    if (seen.isEmpty()) {
      throw new Problem.Refused(
          428, "send the header If-Match with the ETag of what you have seen");
    }
    if (!seen.contains("*") && !seen.contains(of(resource))) {
      throw new Problem.Refused(412, "it was changed meanwhile; read it again");
    }
  }
}
