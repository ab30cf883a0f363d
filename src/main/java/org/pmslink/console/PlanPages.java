package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.membership.Memberships;
import org.pmslink.membership.Plans;
import org.pmslink.membership.Plans.Entitlement;
import org.pmslink.membership.RefusedException;
import org.pmslink.office.LinkDesk;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;

/** The plans that a practice sells, and the one that a member has. */
@Controller
@ConditionalOnWebApplication
@RequestMapping("/console/{practice}")
class PlanPages {
  private static final int ENTITLEMENTS = 6;

  private final Plans plans;
  private final Memberships memberships;
  private final Audit audit;
  private final Desk desk;

  PlanPages(Plans plans, Memberships memberships, Audit audit, Desk desk) {
    this.plans = plans;
    this.memberships = memberships;
    this.audit = audit;
    this.desk = desk;
  }

  /** A line of the form, as typed. */
  record Line(String name, String codes, String perYear) {
    static final Line EMPTY = new Line("", "", "");

    boolean isEmpty() {
      return name.isBlank() && codes.isBlank() && perYear.isBlank();
    }

    Entitlement read() {
      int times;
      try {
        times = Integer.parseInt(perYear.strip());
      } catch (NumberFormatException e) {
        times = 0;
      }
      return new Entitlement(name, new TreeSet<>(List.of(codes.strip().split("[\\s,]+"))), times);
    }
  }

  @GetMapping("/plans")
  @Needs(Right.SEE_PATIENTS)
  String plans(@PathVariable String practice, Model model) {
    return page(practice, "", List.of(), model);
  }

  private String page(String practice, String name, List<Line> typed, Model model) {
    List<Line> lines = new ArrayList<>(typed);
    while (lines.size() < ENTITLEMENTS) {
      lines.add(Line.EMPTY);
    }
    model.addAttribute("plans", plans.list(practice, true));
    model.addAttribute("name", name);
    model.addAttribute("lines", lines);
    return "plans";
  }

  @PostMapping("/plans")
  @Needs(Right.CHANGE_PLANS)
  String add(
      @PathVariable String practice,
      @RequestParam(defaultValue = "") String name,
      @RequestParam(defaultValue = "") List<String> what,
      @RequestParam(defaultValue = "") List<String> codes,
      @RequestParam(defaultValue = "") List<String> times,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    List<Line> typed = new ArrayList<>();
    for (int i = 0; i < Math.max(what.size(), Math.max(codes.size(), times.size())); i++) {
      typed.add(new Line(at(what, i), at(codes, i), at(times, i)));
    }
    String actor = Visit.of(request).actor();
    try {
      audit.together(
          () -> {
            long id =
                plans.add(
                    practice,
                    name,
                    typed.stream().filter(line -> !line.isEmpty()).map(Line::read).toList(),
                    actor);
            audit.note(practice, actor, "added plan", String.valueOf(id));
            return id;
          });
    } catch (IllegalArgumentException e) {
      model.addAttribute("complaint", "Nothing was added: " + e.getMessage() + ".");
      return page(practice, name, typed, model);
    }
    after.addFlashAttribute("done", "The plan can be sold now.");
    return "redirect:/console/" + practice + "/plans";
  }

  private static String at(List<String> values, int i) {
    return i < values.size() ? values.get(i) : "";
  }

  @PostMapping("/plans/{id}/retire")
  @Needs(Right.CHANGE_PLANS)
  String retire(
      @PathVariable String practice,
      @PathVariable long id,
      HttpServletRequest request,
      RedirectAttributes after) {
    String actor = Visit.of(request).actor();
    audit.noting(
        practice,
        actor,
        "retired plan",
        String.valueOf(id),
        () -> {
          if (!plans.retire(practice, id, actor)) {
            throw Desk.notThere();
          }
        });
    after.addFlashAttribute("done", "The plan is sold no more; who has it keeps it.");
    return "redirect:/console/" + practice + "/plans";
  }

  /** Gives a member a plan. */
  @PostMapping("/members/{number}/plan")
  @Needs(Right.CHANGE_MEMBERS)
  String start(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam(defaultValue = "") String plan,
      @RequestParam(defaultValue = "") String startsOn,
      @RequestParam(defaultValue = "") String status,
      @RequestParam(defaultValue = "") String reason,
      HttpServletRequest request,
      RedirectAttributes after) {
    desk.member(practice, number);
    String back = "redirect:/console/" + practice + "/members/" + number;
    String actor = Visit.of(request).actor();
    try {
      Memberships.Status begins = Memberships.Status.begun(status);
      long chosen = Long.parseLong(plan);
      LocalDate day = LocalDate.parse(startsOn);
      String why = reason.isBlank() ? "" : LinkDesk.reason(reason);
      audit.noting(
          practice,
          actor,
          "started plan",
          number + ": plan " + chosen,
          () -> memberships.start(practice, number, chosen, day, begins, actor, why));
      after.addFlashAttribute("done", "The plan has begun.");
      return back;
    } catch (RefusedException e) {
      after.addFlashAttribute("complaint", e.getMessage());
    } catch (NumberFormatException | DateTimeException e) {
      after.addFlashAttribute(
          "complaint", "Choose one of the plans, and the day it starts, like 2026-01-31.");
    } catch (IllegalArgumentException e) {
      after.addFlashAttribute("complaint", "Choose how it begins: active or paused.");
    }
    after.addFlashAttribute(
        "planTyped",
        Map.of("plan", plan, "startsOn", startsOn, "status", status, "reason", reason));
    return back;
  }

  /** Pauses, resumes or ends the plan of a member. */
  @PostMapping("/members/{number}/plan/{id}")
  @Needs(Right.CHANGE_MEMBERS)
  String step(
      @PathVariable String practice,
      @PathVariable String number,
      @PathVariable long id,
      @RequestParam(defaultValue = "") String step,
      @RequestParam(defaultValue = "") String reason,
      HttpServletRequest request,
      RedirectAttributes after) {
    desk.member(practice, number);
    String actor = Visit.of(request).actor();
    try {
      Memberships.Step chosen = Memberships.Step.of(step);
      String why = LinkDesk.reason(reason);
      audit.noting(
          practice,
          actor,
          step + " plan",
          number + ": membership " + id,
          () -> memberships.step(practice, number, id, chosen, actor, why));
      after.addFlashAttribute("done", "Done.");
    } catch (RefusedException | IllegalArgumentException e) {
      after.addFlashAttribute("complaint", e.getMessage());
      after.addFlashAttribute("stepReason", reason);
    }
    return "redirect:/console/" + practice + "/members/" + number;
  }
}
