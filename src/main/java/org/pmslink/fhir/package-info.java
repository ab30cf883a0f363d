/** The engine as a FHIR R4 server: {@code Patient/$match}, and where patients are sent to. */
@NullMarked
package org.pmslink.fhir;

import org.jspecify.annotations.NullMarked;
