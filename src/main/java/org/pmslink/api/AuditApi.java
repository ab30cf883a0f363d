package org.pmslink.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.tags.Tag;
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
      @ParameterObject Page.Wanted page) {
    Long before = page.cursor() == null ? null : page.afterId();
    Page<Audit.Entry> found =
        page.byId(
            (after, most) -> audit.entries(caller.practice(), before, actor, action, most),
            Audit.Entry::id);
    audit.note(
        caller,
        "read audit",
        found.items().size() + " entries" + (before == null ? "" : " before " + before));
    return found;
  }
}
