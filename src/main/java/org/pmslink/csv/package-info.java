/**
 * Reads the files that a practice management system exports for people: finds the columns, mends
 * what spreadsheets break, and says which rows somebody has to look at.
 */
@NullMarked
package org.pmslink.csv;

import org.jspecify.annotations.NullMarked;
