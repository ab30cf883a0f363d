package org.pmslink.api;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.time.LocalDate;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Audit;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.pmslink.access.Right;
import org.pmslink.membership.Activities;
import org.pmslink.membership.Activities.MemberTransaction;
import org.pmslink.membership.Activities.MemberVisit;
import org.pmslink.membership.Member;
import org.pmslink.membership.MemberHistory;
import org.pmslink.membership.MemberMerges;
import org.pmslink.membership.Members;
import org.pmslink.membership.PatientDirectory;
import org.pmslink.membership.PatientDirectory.Found;
import org.pmslink.membership.RefusedException;
import org.pmslink.office.AlikeException;
import org.pmslink.office.Applicant;
import org.pmslink.office.LinkDesk;
import org.pmslink.office.MemberDesk;
import org.pmslink.practice.Practices;
import org.springdoc.core.annotations.ParameterObject;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
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

/** The members of a practice: what they are, and two who are one. */
@RestController
@ConditionalOnWebApplication
@RequestMapping(path = ApiJson.PRACTICE + "/members", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Members")
class MemberApi {
  private static final int LONGEST_SEARCH = 200;

  private final Members members;
  private final MemberHistory history;
  private final MemberMerges merges;
  private final MemberDesk desk;
  private final PatientDirectory patients;
  private final Activities activities;
  private final Practices practices;
  private final Creations creations;
  private final Audit audit;

  MemberApi(
      Members members,
      MemberHistory history,
      MemberMerges merges,
      MemberDesk desk,
      PatientDirectory patients,
      Activities activities,
      Practices practices,
      Creations creations,
      Audit audit) {
    this.members = members;
    this.history = history;
    this.merges = merges;
    this.desk = desk;
    this.patients = patients;
    this.activities = activities;
    this.practices = practices;
    this.creations = creations;
    this.audit = audit;
  }

  @GetMapping
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Members by number")
  Page<MemberHistory.Listed> list(
      Caller caller,
      @RequestParam(defaultValue = "all") String show,
      @ParameterObject Page.Wanted page) {
    return found(caller, "", show, page);
  }

  /**
   * Which members are looked for.
   *
   * @param query names or parts of them, birth date, telephone, member number, in any order
   */
  record MemberSearch(
      String query, @Nullable String show, @Nullable Integer limit, @Nullable String cursor) {}

  @PostMapping("/search")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Members by what is known of them, by number")
  Page<MemberHistory.Listed> search(Caller caller, @RequestBody MemberSearch search) {
    if (search.query() == null || search.query().length() > LONGEST_SEARCH) {
      throw new Problem.Refused(422, "query: text of at most " + LONGEST_SEARCH + " characters");
    }
    return found(
        caller,
        search.query(),
        search.show() == null ? "all" : search.show(),
        new Page.Wanted(search.limit(), search.cursor()));
  }

  private Page<MemberHistory.Listed> found(
      Caller caller, String query, String show, Page.Wanted wanted) {
    MemberHistory.Which which = ApiJson.read(MemberHistory.Which.class, "show", show);
    Page<MemberHistory.Listed> page =
        wanted.byPosition(
            (after, most) -> history.list(caller.practice(), query, which, after, most),
            MemberHistory.Listed::memberNumber);
    audit.note(
        caller,
        query.isBlank() ? "listed members" : "searched members",
        Audit.about(
            show + ", " + page.items().size() + (page.next() == null ? "" : " or more") + " found",
            page.items().stream().map(MemberHistory.Listed::memberNumber).toList()));
    return page;
  }

  /**
   * Somebody who becomes a member.
   *
   * @param number as the office counts; the next free one when absent
   * @param patient number here of the chart whose person this is; absent for somebody whom the PMS
   *     does not have, whom rules link by themselves when the chart appears
   * @param evenIfAlike the member is made although members, or without a patient charts, are alike
   */
  @Schema(description = "Somebody who becomes a member.")
  record NewMember(
      @Nullable String number,
      String family,
      String given,
      @Nullable String middle,
      @Nullable String suffix,
      @Nullable String preferred,
      @Schema(description = "YYYY-MM-DD") String birthDate,
      @Schema(description = "female, male, other or unknown") @Nullable String gender,
      @Schema(description = "A telephone or an e-mail is needed.") @Nullable String phoneMobile,
      @Nullable String phoneHome,
      @Nullable String phoneWork,
      @Nullable String email,
      @Nullable String line1,
      @Nullable String line2,
      @Nullable String city,
      @Nullable String state,
      @Nullable String postalCode,
      @Schema(
              description =
                  "Number here of the chart whose person this is; absent for somebody whom the PMS"
                      + " does not have.")
          @Nullable Long patient,
      @Schema(
              description =
                  "Makes the member although there are members like it, or, without a patient,"
                      + " charts.")
          @Nullable Boolean evenIfAlike,
      @Schema(description = "The plan that the membership begins with.") @Nullable Long plan,
      @Schema(description = "YYYY-MM-DD; today when absent") @Nullable String startsOn,
      @Schema(description = "How the plan begins: active (when absent) or paused.")
          @Nullable String status) {

    Applicant applicant(LocalDate today) {
      Map<Member.Field, String> fields = new EnumMap<>(Member.Field.class);
      fields.put(Member.Field.FAMILY, sent(family));
      fields.put(Member.Field.GIVEN, sent(given));
      fields.put(Member.Field.MIDDLE, sent(middle));
      fields.put(Member.Field.SUFFIX, sent(suffix));
      fields.put(Member.Field.PREFERRED, sent(preferred));
      fields.put(Member.Field.BIRTH_DATE, sent(birthDate));
      fields.put(Member.Field.GENDER, sent(gender));
      fields.put(Member.Field.PHONE_MOBILE, sent(phoneMobile));
      fields.put(Member.Field.PHONE_HOME, sent(phoneHome));
      fields.put(Member.Field.PHONE_WORK, sent(phoneWork));
      fields.put(Member.Field.EMAIL, sent(email));
      fields.put(Member.Field.LINE1, sent(line1));
      fields.put(Member.Field.LINE2, sent(line2));
      fields.put(Member.Field.CITY, sent(city));
      fields.put(Member.Field.STATE, sent(state));
      fields.put(Member.Field.POSTAL_CODE, sent(postalCode));
      return new Applicant(
          sent(number),
          fields,
          plan == null ? "" : String.valueOf(plan),
          startsOn == null ? today.toString() : startsOn,
          sent(status),
          "");
    }

    private static String sent(@Nullable String value) {
      return value == null ? "" : value;
    }

    /** What has to be sent and was not; {@code null} for nothing. */
    static @Nullable String missing(Applicant applicant) {
      List<String> missing =
          applicant.missing().stream()
              .map(
                  need ->
                      switch (need) {
                        case GIVEN -> "given";
                        case FAMILY -> "family";
                        case BIRTH_DATE -> "birth_date";
                        case CONTACT -> "phone_mobile or email";
                        case STARTS_ON -> "starts_on";
                      })
              .toList();
      return missing.isEmpty() ? null : "missing: " + String.join(", ", missing);
    }
  }

  @PostMapping
  @Needs(Right.CHANGE_MEMBERS)
  @Operation(
      summary = "Makes somebody a member, linked to their chart or not",
      description =
          "Members that the new one may be are looked for first, and without a patient charts, too;"
              + " when there are any, the answer is 409 with their numbers, and nothing is made"
              + " unless even_if_alike says so. With LINK alone the patient must be certain or"
              + " probable by what is sent of the person. Contact data in which the chart says"
              + " otherwise stay as they were sent, and are locked.")
  @ResponseStatus(HttpStatus.CREATED)
  ResponseEntity<Shown.MemberDetails> create(
      Caller caller, HttpServletRequest request, @RequestBody NewMember typed)
      throws RefusedException, IOException {
    Applicant applicant = typed.applicant(practices.today(caller.practiceId()));
    String missing = NewMember.missing(applicant);
    String complaint = missing == null ? applicant.complaint() : missing;
    if (complaint == null && typed.plan() == null && typed.status() != null) {
      complaint = "status: is that of a plan; send one";
    }
    if (complaint != null) {
      throw new Problem.Refused(422, complaint);
    }
    return creations.create(
        caller,
        request,
        () -> {
          Found chart = null;
          if (typed.patient() != null) {
            chart =
                patients
                    .find(caller.practice(), typed.patient())
                    .orElseThrow(() -> new Problem.Refused(422, "patient: there is none"));
          }
          String number;
          try {
            number =
                desk.enrol(
                    caller.asActor(), applicant, chart, Boolean.TRUE.equals(typed.evenIfAlike()));
          } catch (AlikeException e) {
            throw alike(e);
          } catch (RefusedException.Typed e) {
            throw new Problem.Refused(422, String.valueOf(e.getMessage()));
          }
          return new Creations.Created<>(
              "/members/" + number, details(caller, member(caller, number)));
        });
  }

  private static Problem.Refused alike(AlikeException found) {
    return new Problem.Refused(
        409,
        found.charts().isEmpty() && !found.tooMany()
            ? "there are members like that: when it is none of them, send even_if_alike"
            : "there are charts or members like that, or too many to look through: send one of the"
                + " charts as patient, or even_if_alike",
        found.charts().stream()
            .map(c -> new Problem.Alike(c.chart().id(), ApiJson.label(c.grade()), c.chart().name()))
            .toList(),
        found.members().stream().map(MemberHistory.Listed::memberNumber).toList());
  }

  @GetMapping("/{number}")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "One member, also one that was removed")
  ResponseEntity<Shown.MemberDetails> read(Caller caller, @PathVariable String number) {
    Member member = member(caller, number);
    audit.note(caller, "saw member", number);
    return Tags.ok(details(caller, member));
  }

  private Shown.MemberDetails details(Caller caller, Member member) {
    return Shown.member(
        member,
        history.origins(caller.practice(), member),
        history.since(caller.practice(), member).orElse(null));
  }

  /**
   * What is to change.
   *
   * @param fields by name; null or an empty text empties one, those that are absent stay
   * @param lockedFields all that are to be locked; absent for no change
   * @param reason why, for whoever looks at it later
   */
  record MemberChange(
      @Nullable Map<String, @Nullable String> fields,
      @Nullable List<String> lockedFields,
      @Nullable String reason) {}

  @PatchMapping("/{number}")
  @Needs(Right.CHANGE_MEMBERS)
  @Operation(summary = "Changes fields of a member, and locks fields against feeds")
  ResponseEntity<Shown.MemberDetails> change(
      Caller caller,
      HttpServletRequest request,
      @PathVariable String number,
      @RequestBody MemberChange change)
      throws RefusedException {
    Member seen = member(caller, number);
    Tags.require(request, details(caller, seen));
    Map<Member.Field, String> values = new EnumMap<>(Member.Field.class);
    if (change.fields() != null) {
      change.fields().forEach((name, v) -> values.put(Shown.field(name), v == null ? "" : v));
    }
    Set<Member.Field> locked = EnumSet.noneOf(Member.Field.class);
    if (change.lockedFields() == null) {
      locked.addAll(seen.lockedFields());
    } else {
      change.lockedFields().forEach(name -> locked.add(Shown.field(name)));
    }
    desk.change(
        caller.asActor(), seen, values, locked, change.reason() == null ? "" : change.reason());
    return Tags.ok(details(caller, member(caller, number)));
  }

  @PostMapping("/{number}/remove")
  @Needs(Right.RELINK)
  @Operation(summary = "Ends a membership; the record stays, link and plan end")
  @ResponseStatus(HttpStatus.NO_CONTENT)
  void remove(
      Caller caller,
      HttpServletRequest request,
      @PathVariable String number,
      @RequestBody Reason reason)
      throws RefusedException {
    Tags.require(request, details(caller, member(caller, number)));
    desk.remove(caller.asActor(), number, reason.given());
  }

  @GetMapping("/{number}/history")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "What happened to a member, newest first")
  Page<MemberHistory.Event> history(
      Caller caller, @PathVariable String number, @ParameterObject Page.Wanted page) {
    Page<MemberHistory.Event> found =
        page.among(
            history.events(caller.practice(), member(caller, number)),
            event -> event.kind() + " " + event.id() + " " + event.what());
    audit.note(caller, "saw history", number);
    return found;
  }

  @GetMapping("/{number}/visits")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Visits of a member, latest first; none while it is not linked")
  Page<MemberVisit> visits(
      Caller caller, @PathVariable String number, @ParameterObject Page.Wanted page) {
    member(caller, number);
    Page<MemberVisit> found =
        page.among(activities.visitsOf(caller.practiceId(), number), Shown::position);
    audit.note(
        caller,
        "saw visits",
        Audit.about(
            number + (found.items().isEmpty() ? "" : ", at"),
            found.items().stream().map(v -> v.source() + "/" + v.patient()).toList()));
    return found;
  }

  @GetMapping("/{number}/transactions")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Ledger of a member, latest first; empty while it is not linked")
  Page<MemberTransaction> transactions(
      Caller caller, @PathVariable String number, @ParameterObject Page.Wanted page) {
    member(caller, number);
    Page<MemberTransaction> found =
        page.among(activities.transactionsOf(caller.practiceId(), number), Shown::position);
    audit.note(
        caller,
        "saw transactions",
        Audit.about(
            number + (found.items().isEmpty() ? "" : ", at"),
            found.items().stream().map(t -> t.source() + "/" + t.patient()).toList()));
    return found;
  }

  @GetMapping("/{number}/merges")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "Members that were made one with this one, and stand as such")
  Page<MemberMerges.Merge> merges(Caller caller, @PathVariable String number) {
    member(caller, number);
    audit.note(caller, "saw merges", number);
    return new Page<>(merges.of(caller.practice(), number), null);
  }

  /**
   * Two members who are one.
   *
   * @param merged number of the member that goes; the one in the address stays
   * @param mergedVersion its version, as seen
   * @param fields whose values come from it
   * @param links sources in which its link stays
   * @param plan whether its plan goes on when both have one
   * @param allTheSame whether they are made one though somebody has said something against it
   */
  record NewMerge(
      String merged,
      long mergedVersion,
      @Nullable List<String> fields,
      @Nullable List<String> links,
      @Nullable Boolean plan,
      @Nullable Boolean allTheSame,
      String reason) {}

  @PostMapping("/{number}/merges")
  @Needs(Right.RELINK)
  @Operation(
      summary = "Makes two members one",
      description =
          "The one in the address stays; what of the other goes on is chosen field by field. Needs"
              + " If-Match with the ETag of the one that stays, and the version of the other.")
  @ResponseStatus(HttpStatus.CREATED)
  ResponseEntity<MemberMerges.Merge> merge(
      Caller caller,
      HttpServletRequest request,
      @PathVariable String number,
      @RequestBody NewMerge typed)
      throws RefusedException, IOException {
    String reason = LinkDesk.reason(String.valueOf(typed.reason() == null ? "" : typed.reason()));
    Set<Member.Field> fields = EnumSet.noneOf(Member.Field.class);
    if (typed.fields() != null) {
      typed.fields().forEach(name -> fields.add(Shown.field(name)));
    }
    return creations.create(
        caller,
        request,
        () -> {
          Member stays = member(caller, number);
          Tags.require(request, details(caller, stays));
          Member goes =
              members
                  .find(caller.practice(), String.valueOf(typed.merged()))
                  .orElseThrow(() -> new Problem.Refused(422, "merged: there is no such member"));
          merges.merge(
              caller.practice(),
              number,
              stays.version(),
              goes.memberNumber(),
              typed.mergedVersion(),
              new MemberMerges.Choice(
                  fields,
                  typed.links() == null ? Set.of() : Set.copyOf(typed.links()),
                  Boolean.TRUE.equals(typed.plan()),
                  Boolean.TRUE.equals(typed.allTheSame())),
              caller.name(),
              reason);
          audit.note(caller, "merged members", goes.memberNumber() + " into " + number);
          MemberMerges.Merge made =
              merges.of(caller.practice(), number).stream()
                  .filter(m -> m.merged().equals(goes.memberNumber()))
                  .findFirst()
                  .orElseThrow();
          return new Creations.Created<>("/members/" + number + "/merges/" + made.id(), made);
        });
  }

  @GetMapping("/{number}/merges/{merge}")
  @Needs(Right.SEE_PATIENTS)
  @Operation(summary = "One merge that stands")
  ResponseEntity<MemberMerges.Merge> readMerge(
      Caller caller, @PathVariable String number, @PathVariable long merge) {
    MemberMerges.Merge found = standing(caller, number, merge);
    audit.note(caller, "saw merges", number);
    return Tags.ok(found);
  }

  private MemberMerges.Merge standing(Caller caller, String number, long merge) {
    return merges.of(caller.practice(), number).stream()
        .filter(m -> m.id() == merge)
        .findFirst()
        .orElseThrow(Problem.Refused::notThere);
  }

  /** Why something is done, in the words of whoever does it. */
  record Reason(String reason) {
    String given() throws RefusedException {
      return LinkDesk.reason(reason == null ? "" : reason);
    }
  }

  /**
   * What became of it.
   *
   * @param linksNotPutBack because the chart is another's by now
   * @param plansEnded that began while the two were one
   */
  record TakenApart(int linksNotPutBack, int plansEnded) {}

  @PostMapping("/{number}/merges/{merge}/take-apart")
  @Needs(Right.RELINK)
  @Operation(
      summary = "Takes two members apart again: both are what they were",
      description = "A plan that began while they were one ends.")
  TakenApart takeApart(
      Caller caller,
      HttpServletRequest request,
      @PathVariable String number,
      @PathVariable long merge,
      @RequestBody Reason reason)
      throws RefusedException {
    Tags.require(request, standing(caller, number, merge));
    String why = reason.given();
    return audit.together(
        () -> {
          MemberMerges.Apart apart = merges.takeApart(caller.practice(), merge, caller.name(), why);
          audit.note(caller, "took members apart", number + ": merge " + merge);
          return new TakenApart(apart.linksLost(), apart.plansEnded());
        });
  }

  private Member member(Caller caller, String number) {
    return members.find(caller.practice(), number).orElseThrow(Problem.Refused::notThere);
  }
}
