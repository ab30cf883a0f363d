package org.pmslink.feed;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.pmslink.linking.RecordBatch.RecordType;
import org.pmslink.linking.RecordStream;

/**
 * One pass over a PMS as it goes along: what is read next, and how far it has come. Lives for one
 * turn of the feed's route; what must outlast it is in {@link FeedCursors}.
 */
public final class FeedPass {
  /** What the next read is for. */
  enum Step {
    CLOCK,
    /** The records of a stream. */
    RECORDS,
    /** Comparison only: are the records of a stream that were not seen really gone? */
    MISSING,
    DONE
  }

  /** A stream within a pass. */
  static final class Place {
    final RecordStream stream;

    /** Path of its mapping below the mappings folder. */
    final String mapping;

    /**
     * Versions of what makes records of the rows; when they change, unchanged rows count as new.
     */
    final String madeWith;

    FeedCursors.Cursor cursor;

    /** Parts of the key, from 0, that the PMS has as text. */
    final Set<Integer> textKeys = new HashSet<>();

    /** Set while the pass compares this stream with the store. */
    @Nullable FeedComparison comparison;

    Place(RecordStream stream, String mapping, String madeWith, FeedCursors.Cursor cursor) {
      this.stream = stream;
      this.mapping = mapping;
      this.madeWith = madeWith;
      this.cursor = cursor;
      textKeys.addAll(cursor.textKeys());
    }
  }

  /**
   * How a pass comes to its end: by itself, or because it was asked to leave off. What it has sent
   * stays sent, and the next pass goes on from the cursors as after a crash.
   */
  static final class Ending {
    private volatile boolean leavingOff;
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Asks the pass to end with the page under way, and waits for that. */
    boolean await(Duration longest) throws InterruptedException {
      leavingOff = true;
      return ended.await(longest.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Asks the pass to end with the page under way. */
    void leaveOff() {
      leavingOff = true;
    }

    /** The pass reads no more. */
    void reached() {
      ended.countDown();
    }
  }

  final Ending ending = new Ending();
  final FeedDefinition definition;
  final PmsProtocol protocol;
  final int practice;

  /** Whether the whole PMS is compared with the store. */
  final boolean comparing;

  /** Whether this is the first load of charts and merges, about which is decided at its end. */
  final boolean firstLoad;

  final Instant began;
  final List<Place> places;
  int at = -1;
  Step step = Step.CLOCK;

  /** The step of the read under way. */
  Step asked = Step.CLOCK;

  /** The PMS server's clock when the pass began. */
  @Nullable LocalDateTime serverClock;

  /** The pass's number, once it has something to send. */
  @Nullable Long run;

  int page;
  int records;

  /** Rows of this pass that the store has already, and that no page of it tells of yet. */
  int unchanged;

  /** Version of the read under way. */
  long version;

  /** Whether the read is the first of its stream in this pass. */
  boolean first = true;

  /** Rows that were read and are not on the queue yet; the place stays before them. */
  private List<PmsProtocol.Row> gathered = new ArrayList<>();

  private @Nullable Instant gatheredSince;

  /** Key of the last row of the page before, part by part, or what else a protocol pages by. */
  List<Object> afterKey = List.of();

  /** From which change on the next page is read; none when it is read by key. */
  @Nullable LocalDateTime since;

  /** What the protocol holds from one read of a step to the next; gone with the pass. */
  @Nullable Object inHand;

  /** How many patients a load is to read, where the PMS says so beside the first of them. */
  @Nullable Long patients;

  /** The time as of which a load's rows are, where the PMS says so; a load's clock otherwise. */
  @Nullable LocalDateTime watermark;

  /** Whether the PMS does not allow the stream that is being read, and others it does. */
  boolean withheld;

  /** Why what was read in this turn may lack records, so that a comparison must follow. */
  @Nullable String incomplete;

  /** Whether the read under way was the last of its step. */
  boolean last;

  /** Whether there is something to ask the PMS for at all in this turn. */
  boolean asking = true;

  /** Whether the PMS is being asked at the moment, to tell its faults from ours. */
  boolean reading;

  FeedPass(
      FeedDefinition definition,
      PmsProtocol protocol,
      int practice,
      boolean comparing,
      boolean firstLoad,
      Instant began,
      List<Place> places) {
    this.definition = definition;
    this.protocol = protocol;
    this.practice = practice;
    this.comparing = comparing;
    this.firstLoad = firstLoad;
    this.began = began;
    this.places = places;
  }

  /** Takes the rows of a page to those that wait. */
  void gather(List<PmsProtocol.Row> rows, Instant now) {
    first &= rows.isEmpty();
    if (gathered.isEmpty()) {
      gatheredSince = now;
    }
    gathered.addAll(rows);
  }

  int rowsGathered() {
    return gathered.size();
  }

  /** When the first of those that wait was read. */
  @Nullable Instant gatheredSince() {
    return gatheredSince;
  }

  /** Those that wait; they wait no more. */
  List<PmsProtocol.Row> gathered() {
    List<PmsProtocol.Row> all = gathered;
    gathered = new ArrayList<>();
    return all;
  }

  /** Whether there is more to read. The route asks before each read, so a no is the pass's end. */
  public boolean isMore() {
    boolean more = step != Step.DONE && !ending.leavingOff;
    if (!more) {
      ending.reached();
    }
    return more;
  }

  /** Whether there is something to ask the PMS for in this turn. */
  public boolean isAsking() {
    return asking;
  }

  /** The stream that is being read. */
  Place place() {
    return places.get(at);
  }

  RecordStream stream() {
    return place().stream;
  }

  /** Whether the stream is read from its beginning to its end, and not by what has changed. */
  boolean isWhole() {
    return place().cursor.loading() || place().comparison != null;
  }

  FeedComparison comparison() {
    return Objects.requireNonNull(place().comparison);
  }

  /** Whether all of a stream's records can be compared: events are not there to stay. */
  static boolean isComparable(RecordStream stream) {
    return stream.type() == RecordType.PATIENTS || stream.type().isActivity();
  }
}
