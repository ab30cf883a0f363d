package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;

/** Who did and saw what; looking at it is itself noted. */
@Controller
@ConditionalOnWebApplication
class AuditPages {
  private static final int PAGE = 100;

  private final Audit audit;

  AuditPages(Audit audit) {
    this.audit = audit;
  }

  @GetMapping("/console/{practice}/audit")
  @Needs(Right.SEE_AUDIT)
  String entries(
      @PathVariable String practice,
      @RequestParam(required = false) @Nullable Long before,
      @RequestParam(defaultValue = "") String actor,
      @RequestParam(defaultValue = "") String action,
      HttpServletRequest request,
      Model model) {
    String by = actor.strip();
    String what = action.strip();
    List<Audit.Entry> entries =
        audit.entries(
            practice, before, by.isEmpty() ? null : by, what.isEmpty() ? null : what, PAGE + 1);
    audit.note(
        practice,
        Visit.of(request).actor(),
        "read audit",
        Math.min(entries.size(), PAGE) + " entries" + (before == null ? "" : " before " + before));
    model.addAttribute("actor", by);
    model.addAttribute("action", what);
    model.addAttribute("more", entries.size() > PAGE);
    model.addAttribute("entries", entries.stream().limit(PAGE).toList());
    return "audit";
  }
}
