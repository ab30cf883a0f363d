package org.pmslink.deadletter;

import com.fasterxml.jackson.databind.JsonNode;

/** Who else has to know what became of records that were dead letters. */
public interface AfterReplay {

  /**
   * A letter of the match step got through, perhaps with another record in it than the one that
   * came. Called inside the transaction that stores the record.
   *
   * @param message the letter's, with its record
   */
  void gotThrough(int practice, String feed, JsonNode message);
}
