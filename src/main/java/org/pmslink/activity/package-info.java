/**
 * What goes on around a patient, in our words: visits and transactions, and the providers and
 * clinics that they name. Keyed by the PMS's own patient, never by a member, so that they follow
 * every link by themselves. Plain Java.
 */
@NullMarked
package org.pmslink.activity;

import org.jspecify.annotations.NullMarked;
