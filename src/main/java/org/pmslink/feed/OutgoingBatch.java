package org.pmslink.feed;

import com.fasterxml.jackson.core.JsonProcessingException;
import org.pmslink.linking.RecordBatch;

/**
 * A message for {@code records.received}.
 *
 * @param group message group: two messages of one group are never handled at the same time
 */
public record OutgoingBatch(String group, RecordBatch batch) {

  /** The message body. */
  public byte[] toJson() throws JsonProcessingException {
    return batch.toJson();
  }
}
