package org.pmslink.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.springdoc.core.annotations.ParameterObject;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Who did and saw what; looking at it is itself noted. */
@RestController
@ConditionalOnWebApplication
@Tag(name = "Audit")
class AuditApi {
  private final Audit audit;

  AuditApi(Audit audit) {
    this.audit = audit;
  }

  @GetMapping(path = ApiJson.PRACTICE + "/audit", produces = MediaType.APPLICATION_JSON_VALUE)
  @Needs(Right.SEE_AUDIT)
  @Operation(summary = "Who did and saw what, newest first")
  Page<Audit.Entry> entries(
      Caller caller,
      @RequestParam(required = false) @Nullable String actor,
      @RequestParam(required = false) @Nullable String action,
      @Parameter(
              description =
                  "Whose data was seen or changed: a member's number, or a chart as source/id, for"
                      + " example open-dental/123.")
          @RequestParam(required = false)
          @Nullable String subject,
      @Parameter(description = "Written at this time or later") @RequestParam(required = false)
          @Nullable Instant from,
      @Parameter(description = "Written before this time") @RequestParam(required = false)
          @Nullable Instant to,
      @ParameterObject Page.Wanted page) {
    Audit.Sought sought = new Audit.Sought(actor, action, subject, from, to);
    Long before = page.cursor() == null ? null : page.afterId();
    Page<Audit.Entry> found =
        page.byId(
            (after, most) -> audit.entries(caller.practice(), before, sought, most),
            Audit.Entry::id);
    audit.note(
        caller,
        "read audit",
        sought.words(found.items().size()) + (before == null ? "" : ", behind " + before));
    return found;
  }
}
