package org.pmslink.sample;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Invented families as the command line's CSV files, of any size and the same for the same seed. A
 * partner is written down anew: nickname, slip, other telephone or address, something missing.
 */
public final class PeopleFiles {
  /** Columns of a row, in its order. */
  public static final List<String> COLUMNS =
      List.of(
          "id",
          "family",
          "given",
          "middle",
          "birth_date",
          "sex",
          "ssn",
          "phone_home",
          "phone_mobile",
          "email",
          "line1",
          "line2",
          "city",
          "state",
          "postal_code",
          "guarantor_id");

  private final People people;

  private PeopleFiles(long seed) {
    people = new People(seed, 0);
  }

  /** Charts of families, and members, of whom four in five have a chart. */
  public static void twoSides(
      int patients, int members, Consumer<String[]> left, Consumer<String[]> right) {
    PeopleFiles files = new PeopleFiles(7);
    int every = Math.max(1, patients / Math.max(1, members * 4 / 5));
    int[] written = new int[2];
    files.families(
        patients,
        row -> {
          left.accept(row);
          if (written[0]++ % every == 0 && written[1] < members * 4 / 5) {
            right.accept(files.again(row, "M" + written[1]++));
          }
        });
    files.families(
        members - written[1],
        row -> {
          row[0] = "M" + written[1]++;
          right.accept(row);
        });
  }

  /** Charts of families; one in twenty is the second chart of somebody. */
  public static void oneSide(int records, Consumer<String[]> out) {
    PeopleFiles files = new PeopleFiles(8);
    int[] written = new int[1];
    files.families(
        records - records / 20,
        row -> {
          out.accept(row);
          if (written[0]++ % 19 == 0 && written[0] / 19 < records / 20) {
            out.accept(files.again(row, "D" + written[0]));
          }
        });
  }

  /** Writes rows as they come. */
  public static Consumer<String[]> csv(BufferedWriter file) {
    return row -> {
      try {
        file.write(String.join(",", row));
        file.newLine();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    };
  }

  /** A file with its header, for {@link #csv}. */
  public static BufferedWriter file(Path path) throws IOException {
    BufferedWriter file = Files.newBufferedWriter(path);
    file.write(String.join(",", COLUMNS));
    file.newLine();
    return file;
  }

  private void families(int count, Consumer<String[]> out) {
    int made = 0;
    while (made < count) {
      List<String[]> family = family(made);
      for (String[] one : family.subList(0, Math.min(family.size(), count - made))) {
        out.accept(one);
        made++;
      }
    }
  }

  private List<String[]> family(int first) {
    String name = people.surname();
    People.Place place = people.place();
    String home = people.oneIn(2) ? people.phone() : "";
    List<String[]> family = new ArrayList<>();
    int size = 1 + people.upTo(5);
    for (int i = 0; i < size; i++) {
      boolean female = people.oneIn(2);
      boolean child = i >= 2;
      LocalDate born = child ? people.born(1, 18) : people.born(24, 80);
      String given = people.given(female);
      String middle = people.oneIn(2) ? people.given(female).substring(0, 1) : "";
      String[] parent = family.isEmpty() ? new String[0] : family.get(0);
      family.add(
          new String[] {
            "P" + (first + i),
            name,
            given,
            middle,
            born.toString(),
            female ? "F" : "M",
            people.oneIn(3) ? people.ssn() : "",
            home,
            child ? parent[8] : people.phone(),
            child ? parent[9] : people.email(given, name),
            place.line1(),
            place.line2(),
            place.city(),
            "OH",
            place.zip(),
            "P" + first
          });
    }
    return family;
  }

  /** The same person, as another office would have written it. */
  private String[] again(String[] row, String id) {
    String[] other = row.clone();
    other[0] = id;
    other[15] = "";
    if (people.oneIn(6)) {
      String nickname = people.nickname(row[2]);
      other[2] = nickname == null ? row[2] : nickname;
    }
    if (people.oneIn(20)) {
      other[2] = people.typo(row[2]);
    }
    if (people.oneIn(15)) {
      other[1] = people.typo(row[1]);
    }
    if (people.oneIn(30)) {
      other[4] = LocalDate.parse(row[4]).plusYears(1).toString();
    }
    if (people.oneIn(2)) {
      other[6] = "";
    }
    if (people.oneIn(5)) {
      other[8] = people.phone();
    }
    if (people.oneIn(5)) {
      other[9] = "";
    }
    if (people.oneIn(6)) {
      People.Place place = people.place();
      other[10] = place.line1();
      other[11] = place.line2();
      other[12] = place.city();
      other[14] = place.zip();
    }
    return other;
  }
}
