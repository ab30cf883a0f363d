package org.pmslink.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.time.LocalDate;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.membership.Members;
import org.pmslink.membership.Memberships;
import org.pmslink.membership.Plans;
import org.pmslink.membership.RefusedException;
import org.pmslink.office.LinkDesk;
import org.pmslink.practice.Practices;
import org.springdoc.core.annotations.ParameterObject;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.format.annotation.DateTimeFormat;
import org.springframework.format.annotation.DateTimeFormat.ISO;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** The plans that a practice sells, and who has them. */
@RestController
@ConditionalOnWebApplication
@RequestMapping(path = ApiJson.PRACTICE, produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Memberships")
class MembershipApi {
  private final Plans plans;
  private final Memberships memberships;
  private final Members members;
  private final Practices practices;
  private final Creations creations;
  private final Audit audit;

  MembershipApi(
      Plans plans,
      Memberships memberships,
      Members members,
      Practices practices,
      Creations creations,
      Audit audit) {
    this.practices = practices;
    this.plans = plans;
    this.memberships = memberships;
    this.members = members;
    this.creations = creations;
    this.audit = audit;
  }

  @GetMapping("/plans")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Plans that the practice sells, by name")
  Page<Plans.Plan> plans(Caller caller, @RequestParam(defaultValue = "false") boolean retired) {
    return new Page<>(plans.list(caller.practice(), retired), null);
  }

  /** What a plan gives in each year of membership. */
  record NewEntitlement(String name, List<String> codes, int perYear) {}

  /** A plan to sell. */
  record NewPlan(String name, @Nullable List<NewEntitlement> entitlements) {}

  @PostMapping("/plans")
  @Needs(Right.CHANGE_PLANS)
  @Operation(summary = "Adds a plan; it is never changed, only retired")
  @ResponseStatus(HttpStatus.CREATED)
  ResponseEntity<Plans.Plan> add(
      Caller caller, HttpServletRequest request, @RequestBody NewPlan typed)
      throws RefusedException, IOException {
    return creations.create(
        caller,
        request,
        () -> {
          long id;
          try {
            id =
                plans.add(
                    caller.practice(),
                    typed.name() == null ? "" : typed.name(),
                    typed.entitlements() == null
                        ? List.of()
                        : typed.entitlements().stream()
                            .map(
                                e ->
                                    new Plans.Entitlement(
                                        e.name() == null ? "" : e.name(),
                                        new TreeSet<>(e.codes() == null ? List.of() : e.codes()),
                                        e.perYear()))
                            .toList(),
                    caller.name());
          } catch (IllegalArgumentException e) {
            throw new Problem.Refused(422, String.valueOf(e.getMessage()));
          }
          audit.note(caller, "added plan", String.valueOf(id));
          return new Creations.Created<>("/plans/" + id, existing(caller, id));
        });
  }

  @GetMapping("/plans/{plan}")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "One plan, also a retired one")
  ResponseEntity<Plans.Plan> plan(Caller caller, @PathVariable long plan) {
    return Tags.ok(existing(caller, plan));
  }

  @PostMapping("/plans/{plan}/retire")
  @Needs(Right.CHANGE_PLANS)
  @Operation(summary = "Sells a plan no more; who has it keeps it")
  ResponseEntity<Plans.Plan> retire(
      Caller caller, HttpServletRequest request, @PathVariable long plan) throws RefusedException {
    Tags.require(request, existing(caller, plan));
    audit.noting(
        caller.practice(),
        caller.name(),
        "retired plan",
        String.valueOf(plan),
        () -> {
          if (!plans.retire(caller.practice(), plan, caller.name())) {
            throw new RefusedException("The plan is retired already.");
          }
        });
    return Tags.ok(existing(caller, plan));
  }

  private Plans.Plan existing(Caller caller, long id) {
    return plans.list(caller.practice(), true).stream()
        .filter(plan -> plan.id() == id)
        .findFirst()
        .orElseThrow(Problem.Refused::notThere);
  }

  @GetMapping("/memberships")
  @Needs(Right.SEE_PATIENTS)
  @Operation(
      summary = "Plans of all members, those that ended too, in the order in which they were begun",
      description = "For whoever begins with nothing, or has missed events.")
  Page<Memberships.OfMember> all(Caller caller, @ParameterObject Page.Wanted page) {
    Page<Memberships.OfMember> found =
        page.byId(
            (after, most) -> memberships.all(caller.practice(), after, most),
            one -> one.membership().id());
    audit.note(
        caller,
        "listed plans",
        Audit.about(
            found.items().size() + " found",
            found.items().stream().map(Memberships.OfMember::member).toList()));
    return found;
  }

  @GetMapping("/members/{number}/memberships")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Plans of a member: the one that runs first, then the latest")
  Page<Memberships.Membership> memberships(Caller caller, @PathVariable String number) {
    member(caller, number);
    audit.note(caller, "saw plans", number);
    return new Page<>(memberships.of(caller.practice(), number), null);
  }

  /**
   * A plan that a member gets, and why, where it needs saying.
   *
   * @param status how it begins: active (when absent) or paused
   */
  record NewMembership(
      long plan,
      LocalDate startsOn,
      @Schema(description = "How it begins: active (when absent) or paused.")
          @Nullable String status,
      @Nullable String reason) {}

  @PostMapping("/members/{number}/memberships")
  @Needs(Right.CHANGE_MEMBERS)
  @Operation(summary = "Gives a member a plan")
  @ResponseStatus(HttpStatus.CREATED)
  ResponseEntity<Memberships.Membership> start(
      Caller caller,
      HttpServletRequest request,
      @PathVariable String number,
      @RequestBody NewMembership typed)
      throws RefusedException, IOException {
    member(caller, number);
    if (typed.startsOn() == null) {
      throw new Problem.Refused(422, "starts_on: the day it starts, like 2026-01-31");
    }
    Memberships.Status status;
    try {
      status = Memberships.Status.begun(typed.status() == null ? "" : typed.status());
    } catch (IllegalArgumentException e) {
      throw new Problem.Refused(422, "status: " + e.getMessage());
    }
    String why =
        typed.reason() == null || typed.reason().isBlank() ? "" : LinkDesk.reason(typed.reason());
    return creations.create(
        caller,
        request,
        () -> {
          memberships.start(
              caller.practice(),
              number,
              typed.plan(),
              typed.startsOn(),
              status,
              caller.name(),
              why);
          audit.note(caller, "started plan", number + ": plan " + typed.plan());
          Memberships.Membership made =
              memberships.current(caller.practice(), number).orElseThrow();
          return new Creations.Created<>("/members/" + number + "/memberships/" + made.id(), made);
        });
  }

  @GetMapping("/members/{number}/memberships/{membership}")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "One plan of a member")
  ResponseEntity<Memberships.Membership> membership(
      Caller caller, @PathVariable String number, @PathVariable long membership) {
    Memberships.Membership found = existing(caller, number, membership);
    audit.note(caller, "saw plans", number);
    return Tags.ok(found);
  }

  @GetMapping("/members/{number}/memberships/{membership}/usage")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "What of a plan is used in the year of membership that a day is in")
  Page<Memberships.Usage> usage(
      Caller caller,
      @PathVariable String number,
      @PathVariable long membership,
      @RequestParam(required = false) @DateTimeFormat(iso = ISO.DATE) @Nullable LocalDate day) {
    Memberships.Membership had = existing(caller, number, membership);
    audit.note(caller, "saw plans", number);
    return new Page<>(
        memberships.usage(
            caller.practice(),
            number,
            had,
            day == null ? practices.today(caller.practiceId()) : day),
        null);
  }

  /**
   * How it is to stand with a membership.
   *
   * @param status paused, active (again) or ended
   */
  record MembershipChange(String status, String reason) {}

  @PatchMapping("/members/{number}/memberships/{membership}")
  @Needs(Right.CHANGE_MEMBERS)
  @Operation(summary = "Pauses, resumes or ends a plan of a member")
  ResponseEntity<Memberships.Membership> step(
      Caller caller,
      HttpServletRequest request,
      @PathVariable String number,
      @PathVariable long membership,
      @RequestBody MembershipChange change)
      throws RefusedException {
    Memberships.Step step =
        switch (ApiJson.read(Memberships.Status.class, "status", change.status())) {
          case PAUSED -> Memberships.Step.PAUSE;
          case ACTIVE -> Memberships.Step.RESUME;
          case ENDED -> Memberships.Step.END;
        };
    Tags.require(request, existing(caller, number, membership));
    String why = LinkDesk.reason(change.reason() == null ? "" : change.reason());
    audit.noting(
        caller.practice(),
        caller.name(),
        ApiJson.label(step) + " plan",
        number + ": membership " + membership,
        () -> memberships.step(caller.practice(), number, membership, step, caller.name(), why));
    return Tags.ok(existing(caller, number, membership));
  }

  private Memberships.Membership existing(Caller caller, String number, long membership) {
    member(caller, number);
    return memberships.of(caller.practice(), number).stream()
        .filter(m -> m.id() == membership)
        .findFirst()
        .orElseThrow(Problem.Refused::notThere);
  }

  private void member(Caller caller, String number) {
    if (members.find(caller.practice(), number).isEmpty()) {
      throw Problem.Refused.notThere();
    }
  }
}
