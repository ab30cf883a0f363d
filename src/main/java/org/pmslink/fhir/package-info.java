/** The engine as a FHIR R4 server: {@code Patient/$match}, and nothing else. */
@NullMarked
package org.pmslink.fhir;

import org.jspecify.annotations.NullMarked;
