/** HL7 version 2 as it is written: messages, frames and answers. Knows no patients and no store. */
@NullMarked
package org.pmslink.hl7;

import org.jspecify.annotations.NullMarked;
