package org.pmslink.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** How databases that no test has here say what a login may do. */
class SourceCheckTest {
  @Test
  void rolesOfMySqlAreReadFromTheLinesThatNameNoTable() {
    assertThat(SourceCheck.roles("GRANT `app_write`@`%`,`app_read`@`%` TO `pmslink`@`%`"))
        .containsExactly("`app_write`@`%`", "`app_read`@`%`");
    assertThat(SourceCheck.roles("GRANT `app on call` TO `pmslink`@`%` WITH ADMIN OPTION"))
        .containsExactly("`app on call`");
    assertThat(SourceCheck.roles("GRANT SELECT, INSERT ON `opendental`.* TO `pmslink`@`%`"))
        .isEmpty();
    assertThat(SourceCheck.writes("GRANT SELECT, INSERT (`LName`) ON `od`.`patient` TO `p`@`%`"))
        .containsExactly("INSERT on od.patient");
    assertThat(SourceCheck.writes("GRANT `app_write`@`%` TO `pmslink`@`%`")).isEmpty();
  }

  @Test
  void whatSqlServerAllowsBeyondReadingIsNamed() {
    assertThat(
            SourceCheck.sqlServerWrites(
                List.of(
                    "CONNECT on the database",
                    "SELECT on the database",
                    "VIEW ANY COLUMN ENCRYPTION KEY DEFINITION on the database",
                    "SELECT on dbo.patient",
                    "REFERENCES on dbo.patient")))
        .isNull();
    assertThat(
            SourceCheck.sqlServerWrites(
                List.of(
                    "SELECT on dbo.patient", "UPDATE on dbo.patient", "EXECUTE on the database")))
        .isEqualTo("EXECUTE on the database, UPDATE on dbo.patient");
    assertThat(
            SourceCheck.sqlServerWrites(
                List.of(
                    "INSERT on a",
                    "INSERT on b",
                    "INSERT on c",
                    "INSERT on d",
                    "INSERT on e",
                    "INSERT on f")))
        .endsWith("INSERT on e and 1 more");
  }
}
