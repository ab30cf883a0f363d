package org.pmslink.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ClaimedRolesTest {
  private static final List<ClaimedRole> ROLES =
      List.of(
          new ClaimedRole("desk", Role.FRONT_DESK, "north"),
          new ClaimedRole("chief", Role.MANAGER, "*"),
          new ClaimedRole("it of {practice}!", Role.IT, "{practice}"));

  private static Map<String, Set<Role>> of(String claim, Map<String, Object> claims) {
    return new ClaimedRoles(claim, ROLES).of(claims);
  }

  @Test
  void valuesStandForRolesInPractices() {
    assertThat(of("groups", Map.of("groups", List.of("desk", "chief", "it of south!", 7, "x"))))
        .isEqualTo(
            Map.of(
                "north", Set.of(Role.FRONT_DESK),
                "*", Set.of(Role.MANAGER),
                "south", Set.of(Role.IT)));
    assertThat(of("groups", Map.of("groups", "desk"))).containsOnlyKeys("north");
    assertThat(of("groups", Map.of("groups", List.of("Desk", "desk ", "the chief")))).isEmpty();
    assertThat(of("groups", Map.of())).isEmpty();
  }

  @Test
  void whoNamesAGroupDoesNotNameEveryPractice() {
    assertThat(of("groups", Map.of("groups", List.of("it of *!", "it of !", "it of south"))))
        .isEmpty();
  }

  @Test
  void aScopeHasWordsAndAGroupMayHaveBlanks() {
    assertThat(of("scope", Map.of("scope", "openid  chief"))).containsOnlyKeys("*");
    assertThat(of("groups", Map.of("groups", "the chief"))).isEmpty();
    assertThat(of("groups", Map.of("groups", "openid chief"))).isEmpty();
  }

  @Test
  void aClaimMayLieWithinAnotherOrHaveDotsInItsName() {
    assertThat(of("realm.roles", Map.of("realm", Map.of("roles", List.of("chief")))))
        .containsOnlyKeys("*");
    assertThat(of("https://a.example/roles", Map.of("https://a.example/roles", List.of("chief"))))
        .containsOnlyKeys("*");
    assertThat(of("realm.roles", Map.of("realm", "roles"))).isEmpty();
  }

  @Test
  void whatIsMissingIsSaid() {
    assertThatThrownBy(() -> new ClaimedRole("x", Role.IT, " "))
        .hasMessageContaining("write \"*\" for every practice");
    assertThatThrownBy(() -> new ClaimedRole("x {practice}", Role.IT, "*"))
        .hasMessageContaining("{practice} stands in both or none");
    assertThatThrownBy(() -> IdentityProvider.checkAddress("here", "http://login.example"))
        .hasMessage(
            "here: http://login.example must begin with https:// (http:// on this machine alone)");
  }
}
