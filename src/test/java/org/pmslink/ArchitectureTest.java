package org.pmslink;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A package is a module; these are the arrows between them, and a few things nobody does. */
@AnalyzeClasses(packages = "org.pmslink", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String OURS = "org.pmslink";

  /** Which of our packages a package may use. A new package gets its line here. */
  private static final Map<String, Set<String>> ARROWS =
      Map.ofEntries(
          Map.entry("patient", Set.of()),
          Map.entry("practice", Set.of()),
          Map.entry("outage", Set.of()),
          Map.entry("security", Set.of()),
          Map.entry("access", Set.of("security")),
          Map.entry("hl7", Set.of()),
          Map.entry("progress", Set.of("practice")),
          Map.entry("matching", Set.of("patient")),
          Map.entry("activity", Set.of("patient")),
          Map.entry("mapping", Set.of("patient", "activity")),
          Map.entry("embedded", Set.of("security")),
          Map.entry("event", Set.of("patient", "security")),
          // What people do with dead letters is audited in the transaction that does it.
          Map.entry("deadletter", Set.of("patient", "practice", "progress", "security", "access")),
          Map.entry(
              "membership",
              Set.of(
                  "patient",
                  "activity",
                  "matching",
                  "practice",
                  "progress",
                  "outage",
                  "deadletter")),
          Map.entry(
              "linking",
              Set.of(
                  "patient",
                  "activity",
                  "matching",
                  "mapping",
                  "membership",
                  "deadletter",
                  "progress",
                  "practice",
                  "outage")),
          Map.entry(
              "office",
              Set.of("patient", "matching", "membership", "linking", "practice", "access")),
          Map.entry("csv", Set.of("mapping")),
          Map.entry(
              "feed",
              Set.of(
                  "patient",
                  "csv",
                  "linking",
                  "mapping",
                  "progress",
                  "practice",
                  "access",
                  "hl7")));

  /** What people and other programs see of the engine; the engine sees nothing of them. */
  private static final Set<String> FACES = Set.of("cli", "api", "fhir", "door", "console");

  @ArchTest
  void packagesUseOnlyWhatTheirArrowsAllow(JavaClasses engine) {
    ARROWS.forEach((name, used) -> arrow(name, used).check(engine));
  }

  private static ArchRule arrow(String name, Set<String> used) {
    String[] allowed =
        Stream.concat(Stream.of(name), used.stream())
            .map(p -> OURS + "." + p + "..")
            .toArray(String[]::new);
    return classes()
        .that()
        .resideInAPackage(OURS + "." + name + "..")
        .should()
        .onlyDependOnClassesThat(
            not(resideInAPackage(OURS + "..")).or(resideInAnyPackage(allowed)));
  }

  @ArchTest
  void everyPackageHasItsArrows(JavaClasses engine) {
    Set<String> packages =
        engine.stream()
            .map(JavaClass::getPackageName)
            .filter(p -> p.startsWith(OURS + "."))
            .map(p -> p.substring(OURS.length() + 1).replaceFirst("\\..*", ""))
            .collect(Collectors.toCollection(TreeSet::new));
    packages.removeAll(FACES);

    assertThat(packages).isEqualTo(new TreeSet<>(ARROWS.keySet()));
  }

  @ArchTest
  static final ArchRule nobodyUsesAFace =
      noClasses()
          .that()
          .resideInAPackage(OURS + ".*..")
          .and()
          .resideOutsideOfPackages(
              FACES.stream().map(f -> OURS + "." + f + "..").toArray(String[]::new))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              FACES.stream().map(f -> OURS + "." + f + "..").toArray(String[]::new));

  @ArchTest
  static final ArchRule packagesFormNoCircle =
      slices().matching(OURS + ".(*)..").should().beFreeOfCycles();

  /** Who changes links stands on who writes them down, never the other way round. */
  @ArchTest
  static final ArchRule classesOfTheStoreFormNoCircle =
      slices().assignedFrom(classOf(OURS + ".membership")).should().beFreeOfCycles();

  private static SliceAssignment classOf(String packageName) {
    return new SliceAssignment() {
      @Override
      public SliceIdentifier getIdentifierOf(JavaClass inside) {
        String name = inside.getName();
        return inside.getPackageName().equals(packageName)
            ? SliceIdentifier.of(name.replaceFirst("\\$.*", ""))
            : SliceIdentifier.ignore();
      }

      @Override
      public String getDescription() {
        return "classes of " + packageName;
      }
    };
  }

  @ArchTest
  static final ArchRule matchingAndNormalisingArePlainJava =
      noClasses()
          .that()
          .resideInAnyPackage(OURS + ".matching..", OURS + ".patient..", OURS + ".activity..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "org.springframework..",
              "org.apache.camel..",
              "java.sql..",
              "javax.sql..",
              "jakarta.jms..");

  @ArchTest
  static final ArchRule mappingsDoNoInputAndOutputOfTheirOwn =
      noClasses()
          .that()
          .resideInAPackage(OURS + ".mapping..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.sql..", "javax.sql..", "java.net..", "jakarta.jms..");

  @ArchTest
  static final ArchRule onlyTheCommandLinePrints =
      noClasses().that().resideOutsideOfPackage(OURS + ".cli..").should(ACCESS_STANDARD_STREAMS);

  @ArchTest
  static final ArchRule namesSayWhatAClassIs =
      noClasses()
          .should()
          .haveSimpleNameEndingWith("Util")
          .orShould()
          .haveSimpleNameEndingWith("Utils")
          .orShould()
          .haveSimpleNameEndingWith("Manager")
          .orShould()
          .haveSimpleNameEndingWith("Impl")
          .orShould()
          .haveSimpleNameEndingWith("Helper");

  @ArchTest
  void nobodySleeps(JavaClasses engine) {
    JavaClasses withTests = new ClassFileImporter().importPackages(OURS);
    assertThat(withTests.size()).isGreaterThan(engine.size());
    noClasses()
        .that()
        // JMH writes these, and waits in them for its other threads.
        .resideOutsideOfPackage("..jmh_generated..")
        .should()
        .callMethod(Thread.class, "sleep", long.class)
        .orShould()
        .callMethod(Thread.class, "sleep", long.class, int.class)
        .orShould()
        .callMethod(TimeUnit.class, "sleep", long.class)
        .because("a wait for something names it: a latch, a condition, a deadline")
        .check(withTests);
  }

  @ArchTest
  void everyPackageIsNullMarked(JavaClasses engine) {
    List<String> unmarked =
        engine.stream()
            .filter(c -> !c.getPackageName().equals(OURS))
            .map(JavaClass::getPackage)
            .filter(p -> !p.isAnnotatedWith(org.jspecify.annotations.NullMarked.class))
            .map(p -> p.getName())
            .distinct()
            .toList();

    assertThat(unmarked).isEmpty();
  }
}
