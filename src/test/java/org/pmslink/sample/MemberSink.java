package org.pmslink.sample;

import org.pmslink.patient.SourcePatient;

/** Takes the store's members as the generator makes them, in the order of their numbers. */
@FunctionalInterface
public interface MemberSink {

  /**
   * @param memberNumber such as {@code M000123}; also the person's source id
   * @param person as somebody typed it
   */
  void add(String memberNumber, SourcePatient person);
}
