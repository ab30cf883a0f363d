/**
 * The canonical patient record and its normalisation. Plain Java that knows no other package of
 * ours: everything a PMS writes in its own way is cleaned here, once, before anything is compared.
 */
@NullMarked
package org.pmslink.patient;

import org.jspecify.annotations.NullMarked;
