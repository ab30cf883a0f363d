package org.pmslink.membership;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.pmslink.patient.PatientRecord;
import org.pmslink.patient.Person;
import org.pmslink.patient.SearchWords;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Component;

/**
 * The words by which charts and members are found as staff type. Each stands behind its practice's
 * number, so that an index over all practices answers for one as fast as if it were the only one.
 */
@Component
class Words {
  /** Names like the one that was typed; more would be a list of everybody. */
  private static final int MOST_LIKE_IT = 12;

  /** A shorter name has too many others within one error. */
  private static final int SHORTEST_WITH_ERROR = 4;

  private static final int SHORTEST_WITH_TWO_ERRORS = 7;

  private final JdbcTemplate database;

  Words(JdbcTemplate database) {
    this.database = database;
  }

  /** Words of a chart as a PostgreSQL text array, for {@code array_to_tsvector}. */
  String ofChart(int practice, PatientRecord record) {
    Person person = record.person();
    SortedSet<String> words = SearchWords.of(person, record.sourceId(), record.chartNumber());
    if (person.guarantorId() != null) {
      words.add(household(person.guarantorId()));
    }
    return array(practice, words);
  }

  /** The same of a member. */
  String ofMember(int practice, String memberNumber, Person person) {
    return array(practice, SearchWords.of(person, memberNumber));
  }

  private static String array(int practice, SortedSet<String> words) {
    return words.stream()
        .map(word -> '"' + prefixed(practice, word) + '"')
        .collect(Collectors.joining(",", "{", "}"));
  }

  /** A word for the head of a household, which all charts of it have. */
  static String household(String guarantorId) {
    return "family:" + quotable(guarantorId);
  }

  private static String prefixed(int practice, String word) {
    return practice + "." + quotable(word);
  }

  /** Ids of a PMS may have any characters; these mean something within quotes. */
  private static String quotable(String word) {
    return word.replace("\\", "").replace("\"", "").replace("'", "");
  }

  /**
   * Keeps the names of charts or members; call in their transaction. In order, so that two that
   * come at once wait for one another and not in a circle.
   */
  void keepNames(int practice, Collection<Person> people) {
    TreeSet<String> names = new TreeSet<>();
    people.forEach(person -> names.addAll(SearchWords.names(person)));
    if (!names.isEmpty()) {
      database.update(
          """
          insert into name_words (practice_id, word)
          select ?, n.word from unnest(?::text[]) as n (word)
          where not exists (select 1 from name_words w where w.practice_id = ? and w.word = n.word)
          order by n.word collate "C" on conflict do nothing""",
          practice,
          names.toArray(String[]::new),
          practice);
    }
  }

  /**
   * What was typed, as a {@code tsquery}; a name that nobody's begins like is taken for those that
   * differ in a letter or two.
   */
  String query(int practice, List<SearchWords.Term> terms) {
    List<String> all = new ArrayList<>();
    for (SearchWords.Term term : terms) {
      List<String> anyOf = new ArrayList<>();
      for (String word : term.anyOf()) {
        anyOf.add(quoted(practice, word, term.begun()));
      }
      for (String word : term.orWhole()) {
        anyOf.add(quoted(practice, word, false));
      }
      if (term.isName()) {
        for (String other : likeIt(practice, term.anyOf().get(0))) {
          anyOf.add(quoted(practice, other, false));
        }
      }
      all.add(anyOf.stream().collect(Collectors.joining(" | ", "(", ")")));
    }
    return String.join(" & ", all);
  }

  /** One word alone. */
  static String query(int practice, String word) {
    return quoted(practice, word, false);
  }

  private static String quoted(int practice, String word, boolean begun) {
    return "'" + prefixed(practice, word) + "'" + (begun ? ":*" : "");
  }

  private List<String> likeIt(int practice, String name) {
    if (name.length() < SHORTEST_WITH_ERROR || isThere(practice, name)) {
      return List.of();
    }
    int errors = name.length() < SHORTEST_WITH_TWO_ERRORS ? 1 : 2;
    // Two letters that changed places count as two errors there, and as one to whoever typed them.
    return database.queryForList(
        """
        select word from name_words
        where practice_id = ? and length(word) between ? and ?
          and levenshtein_less_equal(word, ?, 2) <= 2
          and (levenshtein_less_equal(word, ?, ?) <= ?
               or left(word, 1) = left(?, 1) and length(word) = length(?)
                  and array(select unnest(string_to_array(word, null)) order by 1)
                      = array(select unnest(string_to_array(?, null)) order by 1))
        order by levenshtein(word, ?), word limit ?""",
        String.class,
        practice,
        name.length() - 2,
        name.length() + 2,
        name,
        name,
        errors,
        errors,
        name,
        name,
        name,
        name,
        MOST_LIKE_IT);
  }

  private boolean isThere(int practice, String beginning) {
    return Boolean.TRUE.equals(
        database.queryForObject(
            """
            select exists (select 1 from name_words
                           where practice_id = ? and word >= ? and word < ? || U&'\\FFFF')""",
            Boolean.class,
            practice,
            beginning,
            beginning));
  }
}
