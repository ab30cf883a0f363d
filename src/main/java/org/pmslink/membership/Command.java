package org.pmslink.membership;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.pmslink.activity.ActivityRecord;
import org.pmslink.matching.Comparison;
import org.pmslink.matching.Facts;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.Person;

/**
 * One instruction to the membership store about one chart, or about a visit, a transaction, a
 * provider or a clinic. All are idempotent: carried out twice, or late, they change nothing more.
 * The published form is {@code docs/commands.schema.json}.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Command.Update.class, name = "update"),
  @JsonSubTypes.Type(value = Command.Link.class, name = "link"),
  @JsonSubTypes.Type(value = Command.Review.class, name = "review"),
  @JsonSubTypes.Type(value = Command.NoMatch.class, name = "no-match"),
  @JsonSubTypes.Type(value = Command.Unlink.class, name = "unlink"),
  @JsonSubTypes.Type(value = Command.Merge.class, name = "merge"),
  @JsonSubTypes.Type(value = Command.Delete.class, name = "delete"),
  @JsonSubTypes.Type(value = Command.Activity.class, name = "activity"),
  @JsonSubTypes.Type(value = Command.Remove.class, name = "remove")
})
public sealed interface Command {

  /** The id in the PMS of the record that this is about, mostly a chart. */
  String sourceId();

  /** Order of reading; commands about a chart with an older version than the stored are ignored. */
  long version();

  /**
   * The chart's current content.
   *
   * @param fingerprint of the PMS's row that it was made of
   * @param parting from the chart that had told that this one was merged into it, and tells it no
   *     more; absent in most
   */
  record Update(
      String sourceId,
      long version,
      long fingerprint,
      PatientRecord record,
      List<Long> blockingKeys,
      @Nullable Parting parting)
      implements Command {}

  /**
   * A surviving chart no longer tells of a merge.
   *
   * @param version of the survivor's record that tells it no more
   */
  record Parting(String survivorSourceId, long version) {}

  /**
   * This chart is that member.
   *
   * @param memberVersion the member's version that the decision was made on
   * @param runnerUp the next best member; absent when no other comes into question
   */
  record Link(
      String sourceId,
      long version,
      String memberNumber,
      long memberVersion,
      String rulesVersion,
      Comparison comparison,
      Ground ground,
      @Nullable RunnerUp runnerUp)
      implements Command {}

  /** The member that was second best, with its score in bits. */
  record RunnerUp(String memberNumber, double score) {}

  /**
   * What a comparison stood on: with it, the same rules give the same numbers again, however much
   * chart, member and practice have changed since.
   *
   * @param chart who the chart was
   * @param member who the member was
   * @param facts what the comparison was told about everybody else
   */
  record Ground(Person chart, Person member, Facts facts) {}

  /** A person must look at this chart; best candidate first. */
  record Review(
      String sourceId,
      long version,
      String reason,
      String rulesVersion,
      List<ReviewCandidate> candidates)
      implements Command {}

  /** A member that may be the chart's person, with the evidence. */
  record ReviewCandidate(String memberNumber, Comparison comparison, Ground ground) {}

  /** Nobody in the store comes into question; an open review closes. */
  record NoMatch(String sourceId, long version, String reason, String rulesVersion)
      implements Command {

    /** Why nothing is decided about a chart: a person has. */
    public static final String LINKED_BY_PERSON = "LINKED_BY_PERSON";

    /** The same; the chart has changed since they saw it, which is no reason to doubt the link. */
    public static final String CHANGED_SINCE_SEEN = "CHANGED_SINCE_SEEN";
  }

  /**
   * The link of this chart ends.
   *
   * @param memberNumber only if it is linked to this member; any when absent
   */
  record Unlink(
      String sourceId, long version, @Nullable String memberNumber, String actor, String reason)
      implements Command {}

  /**
   * This chart was merged into another one; its link follows.
   *
   * @param mergedAt when, as the PMS says
   * @param bySurvivor whether the survivor's record tells it, and may tell it no more one day
   */
  record Merge(
      String sourceId,
      long version,
      String survivorSourceId,
      @Nullable Instant mergedAt,
      boolean bySurvivor)
      implements Command {

    /**
     * Whether this one holds, and not another merge of the same chart: the one that the PMS made
     * later; of two at one time always the same, in whatever order they come; where a time is
     * missing, this one, for it came later.
     */
    public boolean holdsAgainst(String survivor, @Nullable Instant at) {
      if (mergedAt == null || at == null || survivor.equals(survivorSourceId)) {
        return true;
      }
      int order = mergedAt.compareTo(at);
      return order > 0 || (order == 0 && survivorSourceId.compareTo(survivor) > 0);
    }
  }

  /** This chart is gone from the PMS; its link is flagged for verification, never dropped. */
  record Delete(String sourceId, long version) implements Command {}

  /**
   * The current content of a visit, a transaction, a provider or a clinic.
   *
   * @param stream in which its id is unique
   * @param fingerprint of the PMS's row that it was made of
   * @param contentHash of the record
   */
  record Activity(
      String stream,
      String sourceId,
      long version,
      long fingerprint,
      long contentHash,
      ActivityRecord record)
      implements Command {}

  /** Such a record is gone from the PMS. */
  record Remove(String stream, String sourceId, long version) implements Command {}
}
