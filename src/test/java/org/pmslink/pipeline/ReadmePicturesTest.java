package org.pmslink.pipeline;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;

import com.microsoft.playwright.Page;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.ExtendWith;
import org.pmslink.access.Role;
import org.pmslink.access.Users;
import org.pmslink.sample.OpenDentalServer;

/**
 * Makes the pictures of the console that the README shows, of people who do not exist:
 *
 * <pre>
 * mvn -B -ntp verify -Dtest=ReadmePicturesTest -Dreadme.pictures=true
 * </pre>
 */
@ExtendWith(Pipeline.class)
@EnabledIfSystemProperty(
    named = "readme.pictures",
    matches = "true",
    disabledReason = "makes the README's pictures anew; -Dreadme.pictures=true")
class ReadmePicturesTest {
  private static final Path PICTURES = Path.of("docs", "screenshots");
  private static final String PASSWORD = "a sentence to remember";
  private static final int WIDTH = 1280;
  private static final int TALLEST = 1100;

  private final Engine engine;
  private final OpenDentalServer pms;

  ReadmePicturesTest(Engine engine, OpenDentalServer pms) {
    this.engine = engine;
    this.pms = pms;
  }

  @Test
  void thePagesThatTheReadmeShows() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity();
        StaffBrowser browser = StaffBrowser.at(engine)) {
      Someone flora = Someone.named("Flora", "Quinlan");
      long linked = office.chart(flora);
      office.edit(
          "insert into patient (LName, FName, Birthdate, Guarantor, City) values ('Quinlan',"
              + " 'Finn', '2015-03-04', ?, 'Columbus')",
          linked);
      office.edit("update patient set Guarantor = ? where LName = 'Quinlan'", linked);
      for (String given : new String[] {"Gwen", "Hugh", "Iris"}) {
        Someone doubtful = Someone.named(given, "Yardley");
        office.chart(doubtful.withEmail(""));
        office.member(given.substring(0, 1) + "1", doubtful.withMobile("").withEmail(""));
      }
      office.member("F1", flora);
      office.member("K1", Someone.named("Karl", "Elsewhere"));
      office.edit("insert ignore into procedurecode (CodeNum, ProcCode) values (2, 'D1110')");
      office.edit(
          """
          insert into procedurelog (ProcNum, PatNum, AptNum, ProcDate, ProcFee, ProcStatus, CodeNum)
          values (900101, ?, 0, curdate(), 90, 2, 2)""",
          linked);
      office.open();
      Users users = engine.bean(Users.class);
      String login = "robin";
      users.changePassword(login, users.add(login), PASSWORD);
      users.grant(login, office.name, Role.MANAGER);
      Page page = browser.window(WIDTH);
      StaffBrowser.signIn(page, login, PASSWORD);
      String base = "/console/" + office.name;

      page.navigate(base + "/onboarding");
      take(page, "onboarding");
      page.navigate(base + "/patients");
      page.waitForLoadState();
      page.locator("#q").fill("quinl");
      assertThat(page.locator("#found tbody tr")).hasCount(2);
      take(page, "search");
      page.navigate(base + "/members/F1");
      take(page, "member");
      page.navigate(
          base
              + "/reviews/"
              + office.count(
                  "select min(id) from reviews where practice_id = ? and closed_at is null"));
      page.locator("details summary").first().click();
      take(page, "review");
      page.navigate(base + "/reviews");
      take(page, "reviews");
    }
  }

  @Test
  void thePagesOfSupportAndIt() throws Exception {
    try (Office office = Office.at(engine, pms).withActivity();
        StaffBrowser browser = StaffBrowser.at(engine)) {
      Engine.rewrite(
          office.mapping("patient.jslt"),
          "\"given\": .FName",
          "\"given\": if (.FName == \"Howard\") {\"first\": .FName} else .FName");
      for (String family : new String[] {"Brandt", "Oyelaran", "Lindqvist", "Marlow"}) {
        office.chart(Someone.named("Howard", family));
        office.chart(Someone.named("Ines", family));
      }
      office.open();
      Users users = engine.bean(Users.class);
      String login = "robin-it";
      users.changePassword(login, users.add(login), PASSWORD);
      users.grant(login, office.name, Role.SUPPORT);
      users.grant(login, office.name, Role.IT);
      Page page = browser.window(WIDTH);
      StaffBrowser.signIn(page, login, PASSWORD);
      page.navigate("/console/" + office.name + "/letters");
      page.locator("tbody a").first().click();
      assertThat(page.locator("form tbody tr")).hasCount(4);
      take(page, "dead-letters");
      page.navigate("/console/" + office.name + "/feeds/" + office.name);
      take(page, "feed");
    }
  }

  /** As much of the page as a reader wants to see, in at most 256 colours. */
  private static void take(Page page, String name) throws IOException {
    int height = (Integer) page.evaluate("Math.ceil(document.body.getBoundingClientRect().bottom)");
    page.setViewportSize(WIDTH, Math.min(TALLEST, Math.max(400, height)));
    page.mouse().move(0, 0);
    BufferedImage picture = ImageIO.read(new ByteArrayInputStream(page.screenshot()));
    Files.createDirectories(PICTURES);
    ImageIO.write(indexed(picture), "png", PICTURES.resolve(name + ".png").toFile());
  }

  /** With the most frequent colours as the palette: a page has few, and shades of letters. */
  private static BufferedImage indexed(BufferedImage picture) {
    Map<Integer, Integer> counts = new TreeMap<>();
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        counts.merge(picture.getRGB(x, y) & 0xffffff, 1, Integer::sum);
      }
    }
    int[] palette =
        counts.entrySet().stream()
            .sorted(Map.Entry.<Integer, Integer>comparingByValue().reversed())
            .limit(256)
            .mapToInt(Map.Entry::getKey)
            .toArray();
    IndexColorModel colours =
        new IndexColorModel(
            8, palette.length, palette, 0, false, -1, java.awt.image.DataBuffer.TYPE_BYTE);
    BufferedImage out =
        new BufferedImage(
            picture.getWidth(), picture.getHeight(), BufferedImage.TYPE_BYTE_INDEXED, colours);
    // Pixel by pixel: drawing would scatter dots to come near a colour, which no file likes.
    Map<Integer, Integer> nearest = new HashMap<>();
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        int index =
            nearest.computeIfAbsent(
                picture.getRGB(x, y) & 0xffffff, colour -> nearest(palette, colour));
        out.getRaster().setSample(x, y, 0, index);
      }
    }
    return out;
  }

  private static int nearest(int[] palette, int colour) {
    int best = 0;
    int least = Integer.MAX_VALUE;
    for (int i = 0; i < palette.length; i++) {
      int red = (palette[i] >> 16 & 255) - (colour >> 16 & 255);
      int green = (palette[i] >> 8 & 255) - (colour >> 8 & 255);
      int blue = (palette[i] & 255) - (colour & 255);
      int distance = red * red + green * green + blue * blue;
      if (distance < least) {
        least = distance;
        best = i;
      }
    }
    return best;
  }
}
