package org.pmslink.access;

/** What somebody may do in a practice; every page and every address asks for one of these. */
public enum Right {
  /** Know that the practice is there; whoever has any role in it does. */
  BE_THERE,
  /** Search the practice's patients, see members with their visits and transactions. */
  SEE_PATIENTS,
  /** Ask the PMS itself for a patient whom no feed has read yet, and have them taken in. */
  ASK_PMS,
  /** Add members, change their data, lock their fields. */
  CHANGE_MEMBERS,
  /** Link a member that has no link to a chart that is certainly or probably theirs. */
  LINK,
  /** Link whatever a person has made sure of, re-link, unlink, make two members one. */
  RELINK,
  /** Say which plans the practice sells. */
  CHANGE_PLANS,
  /** See dead letters with their values masked. */
  SEE_LETTERS,
  /** See the patient data of a dead letter, with a reason. */
  REVEAL_LETTERS,
  /** Edit, replay, discard, assign dead letters. */
  CHANGE_LETTERS,
  /** See feeds and how they do. */
  SEE_FEEDS,
  /** Pause, resume, read and apply feeds. */
  CHANGE_FEEDS,
  /** Send records to a feed that takes them, and ask what became of them. */
  SEND_RECORDS,
  /** Read the audit. */
  SEE_AUDIT
}
