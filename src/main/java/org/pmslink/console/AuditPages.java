package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.server.ResponseStatusException;

/** Who did and saw what; looking at it is itself noted. */
@Controller
@ConditionalOnWebApplication
class AuditPages {
  private static final int PAGE = 100;

  private final Audit audit;
  private final Shown shown;

  AuditPages(Audit audit, Shown shown) {
    this.audit = audit;
    this.shown = shown;
  }

  @GetMapping("/console/{practice}/audit")
  @Needs(Right.SEE_AUDIT)
  String entries(
      @PathVariable String practice,
      @RequestParam(required = false) @Nullable Long before,
      @RequestParam(defaultValue = "") String actor,
      @RequestParam(defaultValue = "") String action,
      @RequestParam(defaultValue = "") String subject,
      @RequestParam(defaultValue = "") String since,
      @RequestParam(defaultValue = "") String until,
      HttpServletRequest request,
      Model model) {
    Audit.Sought sought =
        new Audit.Sought(
            orNull(actor), orNull(action), orNull(subject), day(since, 0), day(until, 1));
    List<Audit.Entry> entries = audit.entries(practice, before, sought, PAGE + 1);
    audit.note(
        practice,
        Visit.of(request).actor(),
        "read audit",
        sought.words(Math.min(entries.size(), PAGE))
            + (before == null ? "" : ", behind " + before));
    model.addAttribute("actor", actor.strip());
    model.addAttribute("action", action.strip());
    model.addAttribute("subject", subject.strip());
    model.addAttribute("since", since.strip());
    model.addAttribute("until", until.strip());
    model.addAttribute("more", entries.size() > PAGE);
    model.addAttribute("entries", entries.stream().limit(PAGE).toList());
    return "audit";
  }

  private static @Nullable String orNull(String typed) {
    return typed.isBlank() ? null : typed.strip();
  }

  /** The beginning of a day at the office, or 400. */
  private @Nullable Instant day(String typed, int more) {
    try {
      return typed.isBlank()
          ? null
          : shown.beginning(LocalDate.parse(typed.strip()).plusDays(more));
    } catch (DateTimeException e) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
  }
}
