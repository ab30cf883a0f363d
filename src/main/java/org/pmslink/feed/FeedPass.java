package org.pmslink.feed;

import java.time.Instant;
import java.time.LocalDateTime;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.RecordBatch.RecordType;

/**
 * One pass over a PMS as it goes along: what is read next, and how far it has come. Lives for one
 * turn of the feed's route; what must outlast it is in {@link FeedCursors}.
 */
public final class FeedPass {
  /** What the next read is for. */
  enum Step {
    CLOCK,
    MERGES,
    PATIENTS,
    /** Comparison only: are the charts that were not seen really gone? */
    MISSING,
    DONE
  }

  final FeedDefinition definition;
  final int practice;

  /** Set when the pass compares the PMS with the store. */
  final @Nullable FeedComparison comparison;

  final Instant began;
  final SourceQuery merges;
  final SourceQuery patients;
  FeedCursors.Cursor mergeCursor;
  FeedCursors.Cursor patientCursor;
  Step step;

  /** The PMS server's clock when the pass began. */
  @Nullable LocalDateTime serverClock;

  /** The pass's number, once it has something to send. */
  @Nullable Long run;

  int page;
  int records;

  /** Rows of this pass that the store has already, and that no page of it tells of yet. */
  int unchanged;

  /** Versions of what makes records of the rows; when they change, unchanged rows count as new. */
  String madeWith = "";

  /** Version of the read under way. */
  long version;

  /** Where the read under way began and, once it is back, where the next one begins. */
  boolean first = true;

  @Nullable Object afterKey;
  @Nullable String since;

  /** Whether the read under way was the last of its step. */
  boolean last;

  /** Whether the PMS is being asked at the moment, to tell its faults from ours. */
  boolean reading;

  FeedPass(
      FeedDefinition definition,
      int practice,
      @Nullable FeedComparison comparison,
      Instant began,
      SourceQuery merges,
      SourceQuery patients,
      FeedCursors.Cursor mergeCursor,
      FeedCursors.Cursor patientCursor) {
    this.definition = definition;
    this.practice = practice;
    this.comparison = comparison;
    this.began = began;
    this.merges = merges;
    this.patients = patients;
    this.mergeCursor = mergeCursor;
    this.patientCursor = patientCursor;
    this.step = Step.CLOCK;
  }

  /** Whether there is more to read. */
  public boolean isMore() {
    return step != Step.DONE;
  }

  RecordType recordType() {
    return switch (step) {
      case MERGES -> RecordType.MERGES;
      case PATIENTS -> RecordType.PATIENTS;
      case MISSING -> RecordType.DELETES;
      case CLOCK, DONE -> throw new IllegalStateException("no records are read in step " + step);
    };
  }

  SourceQuery query() {
    return step == Step.MERGES ? merges : patients;
  }

  FeedCursors.Cursor cursor() {
    return step == Step.MERGES ? mergeCursor : patientCursor;
  }
}
