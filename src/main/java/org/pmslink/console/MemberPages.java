package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Actor;
import org.pmslink.access.Audit;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.access.Visit;
import org.pmslink.linking.PatientSearch;
import org.pmslink.matching.Explanation;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Charts;
import org.pmslink.membership.Member;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.MemberMerges;
import org.pmslink.membership.Memberships;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.Plans;
import org.pmslink.membership.RefusedException;
import org.pmslink.membership.Verdicts;
import org.pmslink.membership.Worklists;
import org.pmslink.office.LinkDesk;
import org.pmslink.office.MemberDesk;
import org.pmslink.office.NotAllowedException;
import org.pmslink.practice.Practices;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;

/** A member: who they are, what they are linked to, what came of it, and what can be done. */
@Controller
@ConditionalOnWebApplication
@RequestMapping("/console/{practice}/members")
class MemberPages {
  private static final int PAGE = 50;
  private static final int MOST_CANDIDATES = 5;
  private static final int MOST_FOUND = 10;
  private static final String REMOVED_MEANWHILE =
      "Somebody has ended this membership meanwhile; nothing was saved.";
  private static final String MEANWHILE =
      "Somebody else, or the PMS, has changed this member meanwhile, and nothing was saved. What you"
          + " typed is still in the form below, with what was changed beside it: look, and save"
          + " again.";

  private final MemberHistory history;
  private final MemberMerges merges;
  private final Memberships memberships;
  private final Plans plans;
  private final Activities activities;
  private final PatientSearch search;
  private final Worklists worklists;
  private final Charts charts;
  private final Verdicts verdicts;
  private final Practices practices;
  private final Audit audit;
  private final Desk desk;
  private final LinkDesk links;
  private final MemberDesk memberDesk;
  private final Shown shown;

  MemberPages(
      MemberHistory history,
      MemberMerges merges,
      Memberships memberships,
      Plans plans,
      Activities activities,
      PatientSearch search,
      Worklists worklists,
      Charts charts,
      Verdicts verdicts,
      Practices practices,
      Audit audit,
      Desk desk,
      LinkDesk links,
      MemberDesk memberDesk,
      Shown shown) {
    this.history = history;
    this.merges = merges;
    this.memberships = memberships;
    this.plans = plans;
    this.activities = activities;
    this.search = search;
    this.worklists = worklists;
    this.charts = charts;
    this.verdicts = verdicts;
    this.practices = practices;
    this.audit = audit;
    this.desk = desk;
    this.links = links;
    this.memberDesk = memberDesk;
    this.shown = shown;
  }

  @GetMapping
  @Needs(Right.SEE_PATIENTS)
  String list(
      @PathVariable String practice,
      @RequestParam(defaultValue = "all") String show,
      @RequestParam(defaultValue = "") String after,
      HttpServletRequest request,
      Model model) {
    return list(practice, "", show, after, request, model);
  }

  /** What was typed comes in the body, as with patients. */
  @PostMapping
  @Needs(Right.SEE_PATIENTS)
  String find(
      @PathVariable String practice,
      @RequestParam(defaultValue = "") String q,
      @RequestParam(defaultValue = "all") String show,
      HttpServletRequest request,
      Model model) {
    return list(practice, q, show, "", request, model);
  }

  private String list(
      String practice,
      String q,
      String show,
      String after,
      HttpServletRequest request,
      Model model) {
    List<MemberHistory.Listed> listed = history.list(practice, q, which(show), after, PAGE + 1);
    audit.note(
        practice,
        Visit.of(request).actor(),
        q.isBlank() ? "listed members" : "searched members",
        Audit.about(
            show
                + ", "
                + Math.min(listed.size(), PAGE)
                + (listed.size() > PAGE ? " or more" : "")
                + " found",
            listed.stream().limit(PAGE).map(MemberHistory.Listed::memberNumber).toList()));
    model.addAttribute("q", q);
    model.addAttribute("show", show);
    model.addAttribute("more", listed.size() > PAGE);
    List<MemberHistory.Listed> page = listed.size() > PAGE ? listed.subList(0, PAGE) : listed;
    model.addAttribute("members", page);
    List<String> unlinked =
        show.equals(Desk.UNLINKED)
            ? page.stream().map(MemberHistory.Listed::memberNumber).toList()
            : List.of();
    model.addAttribute("best", worklists.bestCharts(practice, unlinked));
    model.addAttribute("whyNone", worklists.whyNone(practice, unlinked));
    return request.getHeader("HX-Request") == null ? "members" : "members :: found";
  }

  private static MemberHistory.Which which(String show) {
    for (MemberHistory.Which which : MemberHistory.Which.values()) {
      if (which.name().toLowerCase(Locale.ROOT).equals(show)) {
        return which;
      }
    }
    throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
  }

  @GetMapping("/{number}")
  @Needs(Right.SEE_PATIENTS)
  String member(
      @PathVariable String practice,
      @PathVariable String number,
      HttpServletRequest request,
      Model model) {
    Member member = desk.member(practice, number);
    return memberPage(practice, member, request, model);
  }

  /** A link with the chart it leads to. */
  record Linked(MemberHistory.Link link, Found chart, Charts.@Nullable Age age, String verdict) {}

  private String memberPage(
      String practice, Member member, HttpServletRequest request, Model model) {
    int practiceId = practices.id(practice);
    List<Linked> linked =
        history.links(practice, member).stream()
            .filter(MemberHistory.Link::stands)
            .map(
                link -> {
                  Found chart = desk.chart(practice, link.source(), link.sourceId());
                  return new Linked(
                      link,
                      chart,
                      charts.age(practiceId, link.source(), link.sourceId()).orElse(null),
                      words(practiceId, chart, member));
                })
            .toList();
    String number = member.memberNumber();
    audit.note(
        practice,
        Visit.of(request).actor(),
        "saw member",
        Audit.about(
            number + (linked.isEmpty() ? "" : ", linked to"),
            linked.stream().map(l -> l.chart().name()).toList()));
    List<MemberMerges.Merge> merged = merges.of(practice, number);
    List<Memberships.Membership> had = memberships.of(practice, number);
    Memberships.Membership running =
        had.stream().filter(m -> m.status() != Memberships.Status.ENDED).findFirst().orElse(null);
    LocalDate today = practices.today(practiceId);
    List<Plans.Plan> sold = plans.list(practice, false);
    model.addAttribute("plans", had);
    model.addAttribute(
        "usage", running == null ? List.of() : memberships.usage(practice, number, running, today));
    model.addAttribute("sold", sold);
    model.addAttribute("today", today);
    model.addAttribute("mayStart", running == null && !member.removed() && !sold.isEmpty());
    model.addAttribute("merges", merged);
    model.addAttribute(
        "mergedInto",
        merged.stream()
            .filter(m -> m.merged().equals(number))
            .map(MemberMerges.Merge::survivor)
            .findFirst()
            .orElse(null));
    model.addAttribute("member", member);
    model.addAttribute("fields", Member.Field.values());
    if (!model.containsAttribute("form")) {
      model.addAttribute("form", MemberForm.of(member));
    }
    model.addAttribute("origins", origins(practice, member));
    model.addAttribute("longest", MemberHistory.LONGEST_HISTORY);
    model.addAttribute("since", history.since(practice, member).orElse(null));
    model.addAttribute("linked", linked);
    model.addAttribute("events", history.events(practice, member));
    model.addAttribute("visits", activities.visitsOf(practiceId, member.memberNumber()));
    model.addAttribute(
        "transactions", activities.transactionsOf(practiceId, member.memberNumber()));
    model.addAttribute("reviews", worklists.reviewsWith(practice, member.memberNumber()));
    return "member";
  }

  /** Where each value comes from, and when, in words. */
  private Map<Member.Field, String> origins(String practice, Member member) {
    Map<Member.Field, MemberHistory.Origin> changed = history.origins(practice, member);
    MemberHistory.Added added = history.added(practice, member).orElse(null);
    String came =
        history
            .since(practice, member)
            .map(at -> "as it was when the member was added, " + shown.ago(at))
            .orElse("");
    Map<Member.Field, String> origins = new EnumMap<>(Member.Field.class);
    for (Member.Field field : Member.Field.values()) {
      MemberHistory.Origin since = changed.get(field);
      if (since != null) {
        origins.put(field, words(since));
      } else if (member.fields().containsKey(field)) {
        origins.put(field, added == null ? came : words(added.origin(field)));
      }
    }
    return origins;
  }

  /** A chart that somebody else than the feed took a value from is one that they left it as. */
  private String words(MemberHistory.Origin origin) {
    String who = shown.actor(origin.actor());
    String what =
        origin.chart() == null
            ? "from " + who
            : origin.actor().equals("feed")
                ? "from " + who + ", " + origin.chart()
                : "from the PMS, " + origin.chart() + ", taken over by " + who;
    return what + ", " + shown.ago(origin.at());
  }

  /** Who the member may be: rules' candidates first, and whoever staff look for. */
  @GetMapping("/{number}/link")
  @Needs(Right.LINK)
  String candidates(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam(defaultValue = "") String list,
      @RequestParam(defaultValue = "") String only,
      HttpServletRequest request,
      Model model) {
    Member member = desk.member(practice, number);
    PatientSearch.Found found =
        PatientSearch.isEnough(member.person())
            ? search.search(practice, member.person(), false, MOST_CANDIDATES)
            : PatientSearch.Found.NOBODY;
    audit.note(
        practice,
        Visit.of(request).actor(),
        "looked for the chart of",
        Audit.about(
            number + ", " + found.candidates().size() + " candidates",
            found.candidates().stream().map(c -> c.chart().name()).toList()));
    model.addAttribute("only", only);
    model.addAttribute("member", member);
    model.addAttribute("tooMany", found.tooMany());
    model.addAttribute("all", found.all());
    model.addAttribute("isEnough", PatientSearch.isEnough(member.person()));
    model.addAttribute("list", isWorklist(list) ? list : "");
    model.addAttribute(
        "candidates",
        alike(practice, member, found.candidates()).stream()
            .sorted(
                Comparator.comparing((PatientPages.Alike a) -> a.explanation().comparison().grade())
                    .reversed())
            .toList());
    return "link";
  }

  /**
   * Charts that were found for a member, graded as they are where the two are compared: a search
   * takes the member for somebody who is not stored, and knows neither of links nor of what staff
   * said.
   */
  private List<PatientPages.Alike> alike(
      String practice, Member member, List<PatientSearch.Candidate> candidates) {
    Map<PatientSearch.Candidate, Found> charts = new LinkedHashMap<>();
    for (PatientSearch.Candidate candidate : candidates) {
      charts.put(
          candidate,
          desk.chart(practice, candidate.chart().source(), candidate.chart().sourceId()));
    }
    Map<String, Explanation> now = links.explain(practice, List.copyOf(charts.values()), member);
    List<PatientPages.Alike> alike = new ArrayList<>();
    charts.forEach(
        (candidate, chart) ->
            alike.add(
                new PatientPages.Alike(chart, now.getOrDefault(chart.name(), candidate.why()))));
    return alike;
  }

  /** The same with what staff typed. */
  @PostMapping("/{number}/link")
  @Needs(Right.LINK)
  String candidates(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam(defaultValue = "") String q,
      @RequestParam(defaultValue = "") String list,
      @RequestParam(defaultValue = "") String only,
      HttpServletRequest request,
      Model model) {
    Desk.Searched result = desk.search(practice, q, MOST_FOUND, Visit.of(request).actor());
    if (request.getHeader("HX-Request") != null) {
      model.addAttribute("member", desk.member(practice, number));
    } else {
      candidates(practice, number, list, only, request, model);
    }
    model.addAttribute("list", isWorklist(list) ? list : "");
    model.addAttribute("only", only);
    model.addAttribute("q", q);
    model.addAttribute("result", result);
    return request.getHeader("HX-Request") == null ? "link" : "link :: found";
  }

  /** A member and a chart beside each other, before anything is done. */
  @GetMapping("/{number}/compare")
  @Needs(Right.SEE_PATIENTS)
  String compare(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam String source,
      @RequestParam String id,
      @RequestParam(defaultValue = "") String list,
      @RequestParam(defaultValue = "") String only,
      HttpServletRequest request,
      Model model) {
    Member member = desk.member(practice, number);
    Found chart = desk.chart(practice, source, id);
    model.addAttribute("list", isWorklist(list) ? list : "");
    model.addAttribute("only", only);
    return comparePage(practice, member, chart, request, model);
  }

  private static boolean isWorklist(String list) {
    return list.equals(Desk.FLAGGED) || list.equals(Desk.UNLINKED);
  }

  /** The next of the worklist that a page belongs to, without anything being done. */
  @GetMapping("/{number}/next")
  @Needs(Right.SEE_PATIENTS)
  String next(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam(defaultValue = Desk.UNLINKED) String list,
      @RequestParam(defaultValue = "") String source,
      @RequestParam(defaultValue = "") String only) {
    if (!isWorklist(list)) {
      throw new ResponseStatusException(HttpStatus.BAD_REQUEST);
    }
    return "redirect:/console/" + practice + desk.nextOf(list, practice, number, source, only);
  }

  private String comparePage(
      String practice, Member member, Found chart, HttpServletRequest request, Model model) {
    audit.note(
        practice,
        Visit.of(request).actor(),
        "compared",
        member.memberNumber() + " with " + chart.name());
    SideBySide pair = desk.compare(practice, chart, member);
    boolean linkedToOthers =
        chart.memberNumber() != null && !chart.memberNumber().equals(member.memberNumber());
    model.addAttribute("pair", pair);
    model.addAttribute("others", linkedToOthers);
    model.addAttribute("elsewhere", links.isLinkedElsewhere(practice, member, chart));
    model.addAttribute(
        "linkedNow",
        chart.memberNumber() != null && chart.memberNumber().equals(member.memberNumber()));
    RefusedException whyNot =
        links.whyNotLink(Visit.of(request).asActor(), chart, member, pair.reviewed());
    model.addAttribute("mayLink", whyNot == null);
    NotAllowedException whyNotApart =
        links.whyNotTellApart(Visit.of(request).asActor(), chart, member);
    model.addAttribute("mayTellApart", whyNotApart == null);
    model.addAttribute("whyNot", whyNot == null ? null : whyNot.getMessage());
    String apart = whyNotApart == null ? null : whyNotApart.getMessage();
    // Said once when it is one reason for both.
    boolean isSaid = whyNot != null && Objects.equals(whyNot.getMessage(), apart);
    model.addAttribute("whyNotApart", isSaid ? null : apart);
    model.addAttribute("verdict", words(practices.id(practice), chart, member));
    return "compare";
  }

  /** Links, re-links or verifies: a person says that the two are one. */
  @PostMapping("/{number}/same")
  @Needs(Right.LINK)
  String same(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam String source,
      @RequestParam String id,
      @RequestParam(defaultValue = "-") String seen,
      @RequestParam(defaultValue = "") String reason,
      @RequestParam(defaultValue = "0") long review,
      @RequestParam(defaultValue = "") String list,
      @RequestParam(defaultValue = "") String only,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    return decide(
        practice, number, source, id, true, seen, reason, review, list, only, request, after,
        model);
  }

  /** A person says that the two are not one: a link between them ends, and none is made again. */
  @PostMapping("/{number}/not-same")
  @Needs(Right.LINK)
  String notSame(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam String source,
      @RequestParam String id,
      @RequestParam(defaultValue = "-") String seen,
      @RequestParam(defaultValue = "") String reason,
      @RequestParam(defaultValue = "0") long review,
      @RequestParam(defaultValue = "") String list,
      @RequestParam(defaultValue = "") String only,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    return decide(
        practice, number, source, id, false, seen, reason, review, list, only, request, after,
        model);
  }

  /**
   * Keeps what a person says of the two, and goes on to where they came from.
   *
   * @param review through which they came, the next one follows; 0 for none
   * @param list worklist through which they came, likewise; empty for none
   * @param only which of the reviews or links in doubt they go through; empty for all
   */
  private String decide(
      String practice,
      String number,
      String source,
      String id,
      boolean same,
      String seen,
      String reason,
      long review,
      String list,
      String only,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    Member member = desk.member(practice, number);
    Found chart = desk.chart(practice, source, id);
    Actor actor = Visit.of(request).asActor();
    String worklist = isWorklist(list) ? list : "";
    model.addAttribute("list", worklist);
    model.addAttribute("only", only);
    model.addAttribute("review", review);
    // Whoever is decided about stands in the list no more.
    String next = worklist.isEmpty() ? "" : desk.nextOf(worklist, practice, number, source, only);
    long made;
    try {
      made =
          same
              ? links.same(actor, chart, member, seen, reason)
              : links.notSame(actor, chart, member, seen, reason);
    } catch (RefusedException e) {
      model.addAttribute("complaint", e.getMessage());
      model.addAttribute("said", reason);
      return comparePage(practice, member, chart, request, model);
    }
    after.addFlashAttribute("done", same ? "Linked." : "Kept apart.");
    after.addFlashAttribute(
        "undo",
        Undo.of(
            practice,
            "/members/{}/take-back",
            number,
            Map.of(
                "source",
                chart.source(),
                "id",
                chart.sourceId(),
                "verdict",
                String.valueOf(made))));
    return "redirect:/console/"
        + practice
        + (review > 0
            ? desk.nextReview(practice, only, review)
            : next.isEmpty() ? "/members/" + number : next);
  }

  /**
   * Takes back what a person decided about the two.
   *
   * @param verdict which word of theirs: the page may be older than what somebody else has said
   */
  @PostMapping("/{number}/take-back")
  @Needs(Right.LINK)
  String takeBack(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam String source,
      @RequestParam String id,
      @RequestParam(defaultValue = "0") long verdict,
      HttpServletRequest request,
      RedirectAttributes after) {
    Member member = desk.member(practice, number);
    Found chart = desk.chart(practice, source, id);
    try {
      links.takeBack(Visit.of(request).asActor(), chart, member, verdict);
      after.addFlashAttribute("done", "Taken back. " + linksNow(practice, chart, member));
    } catch (NotAllowedException e) {
      throw new ResponseStatusException(HttpStatus.FORBIDDEN);
    } catch (RefusedException e) {
      after.addFlashAttribute("complaint", e.getMessage());
    }
    return "redirect:/console/" + practice + "/members/" + number;
  }

  /** How the two are linked now: what a decision had ended stands again when it is taken back. */
  private String linksNow(String practice, Found chart, Member member) {
    List<String> words = new ArrayList<>();
    String holder = desk.chart(practice, chart.source(), chart.sourceId()).memberNumber();
    if (holder != null) {
      words.add("Chart " + chart.sourceId() + " is linked to member " + holder + ", as before.");
    }
    history.links(practice, member).stream()
        .filter(MemberHistory.Link::stands)
        .filter(link -> link.source().equals(chart.source()))
        .filter(link -> !link.sourceId().equals(chart.sourceId()))
        .forEach(
            link ->
                words.add(
                    "Member "
                        + member.memberNumber()
                        + " is linked to chart "
                        + link.sourceId()
                        + ", as before."));
    return words.isEmpty() ? "The matching rules decide about it again." : String.join(" ", words);
  }

  /** Changes fields as typed; those that are not in the form stay. */
  @PostMapping("/{number}/fields")
  @Needs(Right.CHANGE_MEMBERS)
  String change(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam long version,
      @RequestParam(defaultValue = "") String reason,
      @RequestParam Map<String, String> typed,
      HttpServletRequest request,
      RedirectAttributes after,
      Model model) {
    Member member = desk.member(practice, number);
    MemberForm form = MemberForm.sent(typed, reason);
    String complaint;
    try {
      if (version != member.version()) {
        throw new RefusedException(MEANWHILE);
      }
      memberDesk.change(
          Visit.of(request).asActor(), member, form.valuesFor(member), form.locked(), reason);
      after.addFlashAttribute("done", "Saved.");
      return "redirect:/console/" + practice + "/members/" + number;
    } catch (RefusedException.Typed e) {
      complaint = e.getMessage();
      form = form.refused(e.fields());
    } catch (RefusedException e) {
      complaint = e.getMessage();
    }
    // Somebody may have been quicker while this was tried, too.
    member = desk.member(practice, number);
    if (version != member.version()) {
      complaint = member.removed() ? REMOVED_MEANWHILE : MEANWHILE;
      form = form.over(member);
    }
    model.addAttribute("complaint", complaint);
    model.addAttribute("form", form);
    return memberPage(practice, member, request, model);
  }

  /** Ends the membership here; the record stays. */
  @PostMapping("/{number}/remove")
  @Needs(Right.RELINK)
  String remove(
      @PathVariable String practice,
      @PathVariable String number,
      @RequestParam(defaultValue = "") String reason,
      HttpServletRequest request,
      RedirectAttributes after) {
    desk.member(practice, number);
    try {
      memberDesk.remove(Visit.of(request).asActor(), number, reason);
      after.addFlashAttribute("done", "Removed; the link ends by itself.");
    } catch (RefusedException e) {
      after.addFlashAttribute("complaint", e.getMessage());
      after.addFlashAttribute("removeReason", reason);
    }
    return "redirect:/console/" + practice + "/members/" + number;
  }

  private String words(int practice, Found chart, Member member) {
    return verdicts
        .about(practice, chart.id(), member.id())
        .map(said -> said.words(practices.zone(practice)))
        .orElse("");
  }
}
