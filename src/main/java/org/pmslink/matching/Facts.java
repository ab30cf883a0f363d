package org.pmslink.matching;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a comparison was told about everybody else: kept with a decision, so that it can be repeated
 * and gives the same numbers when the practice has long changed. Holds names and telephones, so it
 * is patient data.
 *
 * @param answers what was asked, for example {@code given jayden}, with the answer
 */
public record Facts(Map<String, Double> answers) {

  public Facts {
    // In one order, so that the same decision is stored as the same text.
    answers = Collections.unmodifiableMap(new TreeMap<>(answers));
  }

  /** Answers from a population, and notes what was asked. */
  static final class Recorder implements Population {
    private final Population population;
    private final Map<String, Double> answers = new TreeMap<>();

    Recorder(Population population) {
      this.population = population;
    }

    Facts facts() {
      return new Facts(answers);
    }

    private double noted(String question, double answer) {
      answers.put(question, answer);
      return answer;
    }

    @Override
    public int records() {
      return (int) noted("records", population.records());
    }

    @Override
    public double givenFrequency(String given) {
      return noted("given " + given, population.givenFrequency(given));
    }

    @Override
    public double familyFrequency(String family) {
      return noted("family " + family, population.familyFrequency(family));
    }

    @Override
    public double cityFrequency(String city) {
      return noted("city " + city, population.cityFrequency(city));
    }

    @Override
    public boolean isKnownGivenName(String given) {
      return noted("known " + given, population.isKnownGivenName(given) ? 1 : 0) == 1;
    }

    @Override
    public double birthDateFrequency(int birth) {
      return noted("birth " + birth, population.birthDateFrequency(birth));
    }

    @Override
    public int people(ContactKind kind, String value) {
      return (int) noted(kind + " " + value, population.people(kind, value));
    }

    @Override
    public boolean areTwins(ContactKind kind, String value, int birth, char initial) {
      return noted(
              "twins " + kind + " " + value + " " + Holders.twin(birth, initial),
              population.areTwins(kind, value, birth, initial) ? 1 : 0)
          == 1;
    }

    @Override
    public int latestBirthYear() {
      return (int) noted("latest birth year", population.latestBirthYear());
    }

    @Override
    public boolean hasHouseholds() {
      return noted("households", population.hasHouseholds() ? 1 : 0) == 1;
    }
  }

  /** Answers what was noted. */
  Population replay() {
    return new Replay(answers);
  }

  private record Replay(Map<String, Double> answers) implements Population {

    private double answer(String question) {
      Double answer = answers.get(question);
      if (answer == null) {
        // Not the question itself: it may hold a name.
        throw new IllegalStateException(
            "these rules ask what was not asked when the decision was made");
      }
      return answer;
    }

    @Override
    public int records() {
      return (int) answer("records");
    }

    @Override
    public double givenFrequency(String given) {
      return answer("given " + given);
    }

    @Override
    public double familyFrequency(String family) {
      return answer("family " + family);
    }

    @Override
    public double cityFrequency(String city) {
      return answer("city " + city);
    }

    @Override
    public boolean isKnownGivenName(String given) {
      return answer("known " + given) == 1;
    }

    @Override
    public double birthDateFrequency(int birth) {
      return answer("birth " + birth);
    }

    @Override
    public int people(ContactKind kind, String value) {
      return (int) answer(kind + " " + value);
    }

    @Override
    public boolean areTwins(ContactKind kind, String value, int birth, char initial) {
      return answer("twins " + kind + " " + value + " " + Holders.twin(birth, initial)) == 1;
    }

    @Override
    public int latestBirthYear() {
      return (int) answer("latest birth year");
    }

    @Override
    public boolean hasHouseholds() {
      return answer("households") == 1;
    }
  }
}
