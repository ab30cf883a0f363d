package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.pmslink.pipeline.Visitor.location;

import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.membership.Members;
import org.pmslink.practice.Practices;
import org.pmslink.sample.OpenIdProvider;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.util.FileSystemUtils;

/** What the log and the browser are told when a page cannot be made. */
@ExtendWith(OutputCaptureExtension.class)
class FailedRequestsTest {
  private static final String PASSWORD = "a sentence to remember";
  private static final String SENTINEL = "Quendolyn";

  @Test
  void aTemplateThatFailsTellsTheLogAndTheBrowserNothingOfThePatient(
      @TempDir Path folder, CapturedOutput output) throws Exception {
    Path templates = folder.resolve("templates");
    FileSystemUtils.copyRecursively(Path.of("src", "main", "resources", "templates"), templates);
    // Behind the patient's name, and with a message that quotes it.
    Engine.rewrite(
        templates.resolve("member.html"),
        "<h2>History</h2>",
        "<h2>History</h2><p th:text=\"${@shown.money(member.fields().get(fields[1]))}\"></p>");
    try (Engine engine =
        new Engine(folder.resolve("engine"), "--spring.thymeleaf.prefix=file:" + templates + "/")
            .withWeb()
            .start()) {
      String practice = "smiles";
      engine.bean(Practices.class).id(practice);
      engine
          .bean(Members.class)
          .add(
              practice,
              List.of(new Members.NewMember("M1", Someone.named(SENTINEL, "Ashdown").typed("M1"))));
      Users users = engine.bean(Users.class);
      users.changePassword("berta", users.add("berta"), PASSWORD);
      users.grant("berta", practice, Role.FRONT_DESK);
      Visitor person = new Visitor(engine, new OpenIdProvider(OpenIdProvider.freePort()));
      person.get("/sign-in");
      location(person.post("/sign-in", "login", "berta", "password", PASSWORD));
      String base = "/console/" + practice;
      assertThat(person.get(base + "/members").body()).contains(SENTINEL);

      HttpResponse<String> page = person.get(base + "/members/M1");

      assertThat(page.statusCode()).isEqualTo(500);
      assertThat(page.body()).contains("That went wrong", "</html>").doesNotContain(SENTINEL);
      assertThat(output.getAll())
          .contains("a request failed: ", ", template member line ")
          .doesNotContain(SENTINEL);

      // The page that says so fails, too.
      Engine.rewrite(templates.resolve("layout.html"), "<head>", "<head th:text=\"${@shown.no}\">");
      engine.bean(org.thymeleaf.TemplateEngine.class).clearTemplateCache();
      page = person.get(base + "/members/M1");
      assertThat(page.statusCode()).isEqualTo(500);
      assertThat(page.body()).isEqualTo("That went wrong.");
      assertThat(output.getAll()).doesNotContain(SENTINEL, "Exception Processing");
    }
  }
}
