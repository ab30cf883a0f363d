package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.membership.Duplicates;
import org.pmslink.membership.Member;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.MemberMerges;
import org.pmslink.membership.Members;
import org.pmslink.membership.Memberships;
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

/** Two members who are one person: made one field by field, and taken apart again. */
@Controller
@ConditionalOnWebApplication
@RequestMapping("/console/{practice}/members/{number}")
class MergePages {
  private static final String OTHER = "other";

  private final Members members;
  private final MemberMerges merges;
  private final MemberHistory history;
  private final Memberships memberships;
  private final Duplicates duplicates;
  private final Audit audit;
  private final Desk desk;
  private final Shown shown;

  MergePages(
      Members members,
      MemberMerges merges,
      MemberHistory history,
      Memberships memberships,
      Duplicates duplicates,
      Audit audit,
      Desk desk,
      Shown shown) {
    this.members = members;
    this.merges = merges;
    this.history = history;
    this.memberships = memberships;
    this.duplicates = duplicates;
    this.audit = audit;
    this.desk = desk;
    this.shown = shown;
  }

  /**
   * A field in which the two differ.
   *
   * @param other whether the other one's value is proposed: where this one has none, or as chosen
   */
  record Choosable(Member.Field field, String one, String another, boolean other) {}

  @GetMapping("/merge")
  @Needs(Right.SEE_PATIENTS)
  String compare(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam(defaultValue = "") String with,
      @RequestParam(defaultValue = "0") long finding,
      @RequestParam(defaultValue = "") String kind,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    Member one = desk.member(practice, number);
    Desk.kind(kind);
    model.addAttribute("through", finding);
    model.addAttribute("kind", kind);
    if (with.isBlank() || with.strip().equals(number)) {
      after.addFlashAttribute("complaint", "Say with which other member to compare.");
      return "redirect:/console/" + practice + "/members/" + number;
    }
    Member other = members.find(practice, with.strip()).orElse(null);
    if (other == null) {
      after.addFlashAttribute("complaint", "There is no member of that number; check it.");
      return "redirect:/console/" + practice + "/members/" + number;
    }
    return page(practice, one, other, Map.of(), request, model);
  }

  /**
   * The two beside each other.
   *
   * @param typed the form as it was sent, when it is shown again; empty for nothing chosen yet
   */
  private String page(
      String practice,
      Member one,
      Member other,
      Map<String, String> typed,
      HttpServletRequest request,
      Model model) {
    audit.note(
        practice,
        Visit.of(request).actor(),
        "compared members",
        one.memberNumber() + " and " + other.memberNumber());
    List<Choosable> choosable = new ArrayList<>();
    for (Member.Field field : Member.Field.values()) {
      // As they are shown: one number that is written in two ways is no choice.
      String here = Shown.value(field, one.fields().getOrDefault(field, ""));
      String there = Shown.value(field, other.fields().getOrDefault(field, ""));
      if (!here.equals(there)) {
        String chosen = typed.get(field.name());
        boolean theirs = chosen == null ? here.isEmpty() : chosen.equals(OTHER);
        choosable.add(new Choosable(field, here, there, theirs));
      }
    }
    Set<String> both = sources(practice, one);
    both.retainAll(sources(practice, other));
    model.addAttribute("typed", typed);
    model.addAttribute("one", one);
    model.addAttribute("other", other);
    model.addAttribute("rows", SideBySide.rows(one.person(), other.person(), shown));
    model.addAttribute("choosable", choosable);
    model.addAttribute("linkedTwice", both);
    model.addAttribute("onePlan", memberships.current(practice, one.memberNumber()).orElse(null));
    model.addAttribute(
        "otherPlan", memberships.current(practice, other.memberNumber()).orElse(null));
    model.addAttribute("against", merges.against(practice, one, other));
    Duplicates.Found finding = duplicates.ofMembers(practice, one, other).orElse(null);
    model.addAttribute("finding", finding);
    model.addAttribute("bars", finding == null ? List.of() : SideBySide.bars(finding.comparison()));
    return "merge";
  }

  private Set<String> sources(String practice, Member member) {
    Set<String> sources = new HashSet<>();
    history.links(practice, member).stream()
        .filter(MemberHistory.Link::stands)
        .forEach(link -> sources.add(link.source()));
    return sources;
  }

  /**
   * Makes the two one. Which of them stays, and whose value goes on, is chosen apart: the number
   * that the patient knows may belong to the older data.
   *
   * @param finding through which they came, the next one follows; 0 for none
   * @param kind which findings are gone through
   */
  @PostMapping("/merge")
  @Needs(Right.RELINK)
  String merge(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam(defaultValue = "") String with,
      @RequestParam(defaultValue = "") String stays,
      @RequestParam(defaultValue = "0") long version,
      @RequestParam(defaultValue = "0") long otherVersion,
      @RequestParam(defaultValue = "") String reason,
      @RequestParam(defaultValue = "0") long finding,
      @RequestParam(defaultValue = "") String kind,
      @RequestParam Map<String, String> typed,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    Member one = desk.member(practice, number);
    Member other = desk.member(practice, with.strip());
    Desk.kind(kind);
    model.addAttribute("through", finding);
    model.addAttribute("kind", kind);
    boolean otherStays = stays.equals(OTHER);
    Set<Member.Field> fields = EnumSet.noneOf(Member.Field.class);
    for (Member.Field field : Member.Field.values()) {
      String chosen = typed.get(field.name());
      if (chosen != null && chosen.equals(OTHER) != otherStays) {
        fields.add(field);
      }
    }
    Set<String> links = new HashSet<>();
    typed.forEach(
        (name, chosen) -> {
          if (name.startsWith("link-") && chosen.equals(OTHER) != otherStays) {
            links.add(name.substring("link-".length()));
          }
        });
    boolean plan = typed.containsKey("plan") && OTHER.equals(typed.get("plan")) != otherStays;
    Member survivor = otherStays ? other : one;
    Member merged = otherStays ? one : other;
    String actor = Visit.of(request).actor();
    try {
      String why = LinkDesk.reason(reason);
      audit.noting(
          practice,
          actor,
          "merged members",
          merged.memberNumber() + " into " + survivor.memberNumber(),
          () ->
              merges.merge(
                  practice,
                  survivor.memberNumber(),
                  otherStays ? otherVersion : version,
                  merged.memberNumber(),
                  otherStays ? version : otherVersion,
                  new MemberMerges.Choice(fields, links, plan, typed.containsKey("allTheSame")),
                  actor,
                  why));
    } catch (RefusedException e) {
      model.addAttribute("complaint", e.getMessage());
      return page(
          practice,
          desk.member(practice, number),
          desk.member(practice, with.strip()),
          typed,
          request,
          model);
    }
    if (finding > 0) {
      after.addFlashAttribute("done", "They are one member now: " + survivor.memberNumber() + ".");
      merges.of(practice, survivor.memberNumber()).stream()
          .findFirst()
          .ifPresent(
              made ->
                  after.addFlashAttribute(
                      "undo",
                      Undo.of(
                          practice,
                          "/members/{}/take-apart",
                          survivor.memberNumber(),
                          Map.of("merge", String.valueOf(made.id()), "reason", "taken back"))));
      return "redirect:/console/" + practice + desk.nextDuplicate(practice, kind, finding);
    }
    after.addFlashAttribute("done", "They are one member now; below it can be taken back.");
    return "redirect:/console/" + practice + "/members/" + survivor.memberNumber();
  }

  @PostMapping("/take-apart")
  @Needs(Right.RELINK)
  String takeApart(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam(defaultValue = "0") long merge,
      @RequestParam(defaultValue = "") String reason,
      HttpServletRequest request,
      RedirectAttributes after) {
    desk.member(practice, number);
    String actor = Visit.of(request).actor();
    try {
      String why = LinkDesk.reason(reason);
      if (merges.of(practice, number).stream().noneMatch(m -> m.id() == merge)) {
        throw new RefusedException("The two have been taken apart already.");
      }
      MemberMerges.Apart apart =
          audit.together(
              () -> {
                MemberMerges.Apart done = merges.takeApart(practice, merge, actor, why);
                audit.note(practice, actor, "took members apart", number + ": merge " + merge);
                return done;
              });
      after.addFlashAttribute("done", words(apart));
    } catch (RefusedException e) {
      after.addFlashAttribute("complaint", e.getMessage());
    }
    return "redirect:/console/" + practice + "/members/" + number;
  }

  private static String words(MemberMerges.Apart apart) {
    StringBuilder words = new StringBuilder("Both are what they were before");
    if (apart.linksLost() > 0) {
      words
          .append(", but for ")
          .append(apart.linksLost())
          .append(apart.linksLost() == 1 ? " link" : " links")
          .append(
              ": the chart is gone or another member's by now, or somebody has said since that it"
                  + " is not theirs");
    }
    words.append('.');
    if (apart.plansEnded() > 0) {
      words.append(
          " The plan that began while they were one has ended: start it again for whom it was sold"
              + " to.");
    }
    return words.toString();
  }
}
