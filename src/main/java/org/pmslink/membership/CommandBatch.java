package org.pmslink.membership;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.pmslink.patient.RecordJson;
import org.pmslink.progress.Runs.EntryOutcome;
import org.pmslink.progress.Runs.EntryResult;

/**
 * A message on {@code membership.commands}: what follows from one batch of records.
 *
 * @param schema {@link #SCHEMA}
 * @param handled entries of the records' message that this batch answers
 * @param expected entries of the whole page
 * @param records how many of the handled entries are records that were read
 * @param letter the dead letter that this batch replays; it is solved once the batch is applied
 * @param matchedAt up to when these decisions know of every change, by the store's clock; of later
 *     ones they may know, see {@link Charts#seenUntil}
 * @param matchedMembers members for whom all possible patients are decided by this batch
 * @param entries what becomes of each record once this batch is applied, where its sender may ask
 *     for that; absent otherwise
 */
public record CommandBatch(
    String schema,
    String practice,
    String source,
    String feed,
    @Nullable Long run,
    int page,
    String part,
    int handled,
    int expected,
    int records,
    int unchanged,
    int deadLettered,
    @Nullable Long letter,
    Instant matchedAt,
    List<Command> commands,
    List<MatchedMember> matchedMembers,
    @Nullable List<EntryOutcome> entries) {

  /** A batch of records that nobody asks after one by one. */
  public CommandBatch(
      String schema,
      String practice,
      String source,
      String feed,
      @Nullable Long run,
      int page,
      String part,
      int handled,
      int expected,
      int records,
      int unchanged,
      int deadLettered,
      @Nullable Long letter,
      Instant matchedAt,
      List<Command> commands,
      List<MatchedMember> matchedMembers) {
    this(
        schema,
        practice,
        source,
        feed,
        run,
        page,
        part,
        handled,
        expected,
        records,
        unchanged,
        deadLettered,
        letter,
        matchedAt,
        commands,
        matchedMembers,
        null);
  }

  /** Name and version of the message format. */
  public static final String SCHEMA = "pmslink.commands/1";

  /**
   * PostgreSQL takes a transaction's time a moment before it shows the transaction to others; in a
   * process that waits for a processor, a long moment.
   */
  private static final Duration UNSEEN = Duration.ofSeconds(1);

  /** What is of a later time, these decisions may not know of. */
  Instant surelySeenUntil() {
    return matchedAt.minus(UNSEEN);
  }

  /** A member, at the version that was matched. */
  public record MatchedMember(String memberNumber, long version) {}

  /** Short, because Camel asks a body for it again and again, and the content is large. */
  @Override
  public int hashCode() {
    return Objects.hash(practice, feed, run, page, part);
  }

  /** The message body. */
  public byte[] toJson() throws JsonProcessingException {
    return RecordJson.mapper().writeValueAsBytes(this);
  }

  /**
   * The two halves of a batch that keeps failing as a whole, with every chart's commands together;
   * empty when the batch is about one chart. What was not a command (records that were unchanged or
   * became dead letters) counts with the first half.
   */
  List<CommandBatch> halves() {
    List<String> charts = commands.stream().map(Command::sourceId).distinct().toList();
    if (charts.size() < 2) {
      return List.of();
    }
    Set<String> second = Set.copyOf(charts.subList(charts.size() / 2, charts.size()));
    int handledBySecond = Math.min(second.size(), handled);
    int recordsOfSecond = Math.min(second.size(), records);
    return List.of(
        part(
            ".0",
            handled - handledBySecond,
            records - recordsOfSecond,
            unchanged,
            deadLettered,
            commands.stream().filter(c -> !second.contains(c.sourceId())).toList(),
            List.of(),
            entriesOf(e -> !isOf(second, e))),
        part(
            ".1",
            handledBySecond,
            recordsOfSecond,
            0,
            0,
            commands.stream().filter(c -> second.contains(c.sourceId())).toList(),
            matchedMembers,
            entriesOf(e -> isOf(second, e))));
  }

  private @Nullable List<EntryOutcome> entriesOf(Predicate<EntryOutcome> part) {
    return entries == null ? null : entries.stream().filter(part).toList();
  }

  private static boolean isOf(Set<String> charts, EntryOutcome entry) {
    return entry.result() == EntryResult.STORED
        && entry.sourceId() != null
        && charts.contains(entry.sourceId());
  }

  /** The same commands, belonging to no pass. */
  CommandBatch forReplay() {
    return new CommandBatch(
        schema,
        practice,
        source,
        feed,
        null,
        0,
        "",
        0,
        0,
        0,
        0,
        0,
        letter,
        matchedAt,
        commands,
        matchedMembers);
  }

  private CommandBatch part(
      String suffix,
      int partHandled,
      int partRecords,
      int partUnchanged,
      int partDeadLettered,
      List<Command> partCommands,
      List<MatchedMember> partMembers,
      @Nullable List<EntryOutcome> partEntries) {
    return new CommandBatch(
        schema,
        practice,
        source,
        feed,
        run,
        page,
        part + suffix,
        partHandled,
        expected,
        partRecords,
        partUnchanged,
        partDeadLettered,
        letter,
        matchedAt,
        partCommands,
        partMembers,
        partEntries);
  }
}
