package org.pmslink.patient;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.pmslink.patient.GivenNames.Relation;

class GivenNamesTest {
  private final GivenNames names = GivenNames.shipped();

  @ParameterizedTest
  @CsvSource({
    "Robert,Bob,NICKNAME",
    "BOB,robert,NICKNAME",
    "Bob,Rob,SAME_FORMAL_NAME",
    "William,Bill,NICKNAME",
    "Elizabeth,Liz,NICKNAME",
    "Katherine,Catherine,SAME_FORMAL_NAME",
    "Katherine,Kathryn,SAME_FORMAL_NAME",
    "Sara,Sarah,SAME_FORMAL_NAME",
    "Kate,Kathryn,NICKNAME",
    "José,Pepe,NICKNAME",
    "Guadalupe,Lupita,NICKNAME",
    "Ann,Ann,EQUAL",
    "Alexander,Alexandra,NONE",
    "Jayden,Jaden,NONE",
    "John,Robert,NONE",
    "Gabriella,Ella,NONE",
    "Melissa,Lisa,NONE",
    "Daniel,Danielle,NONE",
    "William,Liam,NONE",
    "Julio,Julian,NONE",
    "Lily,Lila,NONE",
    "Lucas,Luca,NONE",
    "Ella,Ellie,NONE",
    "Maria,Marisa,NONE",
    "Thanh,Thang,NONE",
  })
  void relates(String a, String b, Relation relation) {
    assertThat(names.relation(Folding.fold(a), Folding.fold(b))).isEqualTo(relation);
    assertThat(names.relation(Folding.fold(b), Folding.fold(a))).isEqualTo(relation);
    assertThat(names.agree(a, b)).isEqualTo(relation != Relation.NONE);
    if (relation != Relation.NONE) {
      assertThat(names.canonicalForms(a)).containsAnyElementsOf(names.canonicalForms(b));
    }
  }

  @Test
  void holdsThousandsOfNicknames() {
    assertThat(names.pairs()).isGreaterThan(2_000);
  }

  @Test
  void knowsWhichShortFormsAreOfBothSexes() {
    assertThat(names.isOfBothSexes("alex")).isTrue();
    assertThat(names.isOfBothSexes("bob")).isFalse();
  }

  @Test
  void missingNamesDoNotAgree() {
    assertThat(names.agree(null, null)).isFalse();
    assertThat(names.agree("", "")).isFalse();
    assertThat(names.canonicalForms(null)).isEmpty();
  }
}
