/**
 * Events for other programs, on a topic and as signed webhooks: ids and versions, never patients.
 */
@NullMarked
package org.pmslink.event;

import org.jspecify.annotations.NullMarked;
