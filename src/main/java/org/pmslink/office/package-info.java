/**
 * What people and programs do with members and links: what they may, what is asked of them, and
 * what is noted of it, once for every face that the engine has.
 */
@NullMarked
package org.pmslink.office;

import org.jspecify.annotations.NullMarked;
