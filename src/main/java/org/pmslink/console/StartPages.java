package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpSession;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.pmslink.access.Needs;
import org.pmslink.access.OwnPassword;
import org.pmslink.access.Right;
import org.pmslink.access.SignInWays;
import org.pmslink.access.Visit;
import org.pmslink.deadletter.DeadLetters;
import org.pmslink.feed.Alerts;
import org.pmslink.feed.FeedStates;
import org.pmslink.membership.Worklists;
import org.pmslink.practice.Practices;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;
import org.springframework.web.servlet.mvc.support.RedirectAttributes;

/** Signing in, one's password, and where one begins. */
@Controller
@ConditionalOnWebApplication
class StartPages {
  /** Forms about a member and a chart; the address of the latter follows. */
  private static final Pattern PAIRS =
      Pattern.compile("/console/[^/]+(?<page>/members/[\\w.-]+)/(?:not-)?same");

  /** Other addresses that forms are sent to, and nothing is found at. */
  private static final Pattern FORMS =
      Pattern.compile(
          "/console/[^/]+(?:"
              + "(?<page>/members/[\\w.-]+|/letters/\\d+|/patients|/duplicates/\\d+|/plans)"
              + "/(?:fields|take-back|remove|take-apart|plan(?:/\\d+)?|reveal|edit|ask|take-in"
              + "|not-same|\\d+/retire))");

  private final OwnPassword passwords;
  private final Worklists worklists;
  private final DeadLetters letters;
  private final FeedStates states;
  private final Alerts alerts;
  private final Practices practices;
  private final SignInWays ways;

  StartPages(
      OwnPassword passwords,
      Worklists worklists,
      DeadLetters letters,
      FeedStates states,
      Alerts alerts,
      Practices practices,
      SignInWays ways) {
    this.passwords = passwords;
    this.worklists = worklists;
    this.letters = letters;
    this.states = states;
    this.alerts = alerts;
    this.practices = practices;
    this.ways = ways;
  }

  @GetMapping("/")
  String root() {
    return "redirect:/console";
  }

  @GetMapping("/sign-in")
  String signIn(HttpServletRequest request, Model model) {
    model.addAttribute("ways", ways);
    model.addAttribute("provider", request.getParameter("provider"));
    model.addAttribute("refused", request.getParameter("refused") != null);
    model.addAttribute("again", request.getParameter("again") != null);
    model.addAttribute("signedOut", request.getParameter("signed-out") != null);
    model.addAttribute("changed", request.getParameter("changed") != null);
    return "sign-in";
  }

  /** The practices in which one has a role; when it is one, its page. */
  @GetMapping("/console")
  String practices(HttpServletRequest request, Model model) {
    Visit visit = Visit.of(request);
    if (visit.practices().size() == 1) {
      return "redirect:/console/" + visit.practices().iterator().next();
    }
    return "practices";
  }

  @GetMapping("/password")
  String password() {
    return "password";
  }

  /** Changes the password; every session of the user is over, this one too. */
  @PostMapping("/password")
  String change(
      @RequestParam String present,
      @RequestParam String fresh,
      @RequestParam String again,
      HttpServletRequest request,
      HttpSession session,
      Model model) {
    Visit visit = Visit.of(request);
    try {
      if (!fresh.equals(again)) {
        throw new IllegalArgumentException("the new password was typed in two ways");
      }
      passwords.change(visit.actor(), request.getRemoteAddr(), present, fresh);
    } catch (IllegalArgumentException e) {
      model.addAttribute("complaint", e.getMessage());
      return "password";
    }
    session.invalidate();
    return "redirect:/sign-in?changed";
  }

  /**
   * Who is signed in, and what a form of theirs must carry. A page asks before it sends what was
   * typed into it: it may have been open for longer than the session, or than that of somebody
   * else.
   */
  @GetMapping("/session")
  @ResponseBody
  Map<String, String> session(HttpServletRequest request, CsrfToken token) {
    return Map.of("actor", Visit.of(request).actor(), "token", token.getToken());
  }

  /** What waits for somebody in a practice. Whoever has any role there begins here. */
  @GetMapping("/console/{practice}")
  @Needs(Right.BE_THERE)
  String practice(@PathVariable String practice, HttpServletRequest request, Model model) {
    Visit visit = Visit.of(request);
    if (visit.may(Right.SEE_PATIENTS)) {
      model.addAttribute("counts", worklists.counts(practice));
    }
    if (visit.may(Right.SEE_LETTERS)) {
      model.addAttribute("letters", letters.openCount(practices.id(practice), null));
    }
    if (visit.may(Right.SEE_FEEDS)) {
      List<FeedStates.Status> known =
          states.all().stream().filter(feed -> feed.practice().equals(practice)).toList();
      model.addAttribute("feeds", known.size());
      model.addAttribute(
          "resting",
          known.stream()
              .filter(feed -> !feed.state().equals("RUNNING") && !feed.state().equals("STARTING"))
              .count());
      model.addAttribute("alerts", alerts.openOf(practices.id(practice)));
    }
    return "practice";
  }

  /**
   * The page of a form, where somebody opens the address anew that the form was sent to: from the
   * browser's list, in another tab, or back from signing in.
   */
  @GetMapping("/console/{practice}/**")
  @Needs(Right.BE_THERE)
  String elsewhere(
      @PathVariable String practice,
      @RequestParam(defaultValue = "") String source,
      @RequestParam(defaultValue = "") String id,
      HttpServletRequest request,
      RedirectAttributes after) {
    String path = request.getServletPath();
    Matcher pair = PAIRS.matcher(path);
    Matcher form = pair.matches() ? pair : FORMS.matcher(path);
    if (!form.matches()) {
      throw Desk.notThere();
    }
    String page = "redirect:/console/" + practice + form.group("page");
    if (form != pair || source.isEmpty() || id.isEmpty()) {
      return page;
    }
    after.addAttribute("source", source);
    after.addAttribute("id", id);
    return page + "/compare";
  }
}
