package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.ColorScheme;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Chromium as this machine has it, with somebody before it. Whatever a page complains about on its
 * console, a script that its policy stops above all, fails the test that shows it.
 */
final class StaffBrowser implements AutoCloseable {
  private static final Path PICTURES = Path.of("target", "pages");
  private static final List<String> ACCESSIBLE =
      List.of("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa");

  private static final int LONGEST_WAIT = 10_000;

  private final Playwright playwright;
  private final Browser browser;
  private final String url;
  private final List<String> complaints = new ArrayList<>();

  private StaffBrowser(Path chromium, String url) {
    this.url = url;
    playwright =
        Playwright.create(
            new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
    browser =
        playwright
            .chromium()
            .launch(
                new BrowserType.LaunchOptions()
                    .setExecutablePath(chromium)
                    .setArgs(
                        List.of(
                            "--no-sandbox",
                            "--disable-gpu",
                            "--disable-quic",
                            "--no-first-run",
                            "--disable-background-networking",
                            "--disable-component-update",
                            "--disable-sync")));
  }

  /** The Chromium of this machine, when there is one. */
  static Optional<Path> installed() {
    return Stream.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
        .map(Path::of)
        .filter(Files::isExecutable)
        .findFirst();
  }

  static StaffBrowser at(Engine engine) {
    return new StaffBrowser(installed().orElseThrow(), engine.url());
  }

  /** A window of its own, where nobody has signed in. */
  Page window(int width) {
    BrowserContext context =
        browser.newContext(
            new Browser.NewContextOptions()
                .setViewportSize(width, 900)
                .setColorScheme(ColorScheme.LIGHT)
                .setBaseURL(url));
    context.setDefaultTimeout(LONGEST_WAIT);
    Page page = context.newPage();
    page.onConsoleMessage(
        message -> {
          // A refusal by status is said there too; the tests look at the page for those.
          if (message.type().equals("error")
              && !message.text().startsWith("Failed to load resource")) {
            complaints.add(page.url() + ": " + message.text());
          }
        });
    page.onPageError(error -> complaints.add(page.url() + ": " + error));
    return page;
  }

  /** Signs in with a password that has been changed already. */
  static void signIn(Page page, String login, String password) {
    page.navigate("/console");
    page.getByLabel("Name").fill(login);
    page.getByLabel("Password").fill(password);
    page.locator("main button").click();
  }

  /** What people who cannot see the page, or not well, could not use. */
  static List<String> barriers(Page page) {
    return violations(page, new AxeBuilder(page).withTags(ACCESSIBLE));
  }

  /** What is hard to read in the colours of now. */
  static List<String> poorContrast(Page page) {
    return violations(page, new AxeBuilder(page).withRules(List.of("color-contrast")));
  }

  private static List<String> violations(Page page, AxeBuilder axe) {
    return axe.analyze().getViolations().stream()
        .map(
            v ->
                page.url()
                    + ": "
                    + v.getId()
                    + " "
                    + v.getNodes().stream().map(n -> n.getHtml()).limit(3).toList())
        .toList();
  }

  /** Whether the page is wider than the window. */
  static boolean runsOver(Page page) {
    return (Boolean)
        page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth");
  }

  /** Keeps a picture of the whole page among the build's results. */
  static void picture(Page page, String name) {
    page.screenshot(
        new Page.ScreenshotOptions().setPath(PICTURES.resolve(name + ".png")).setFullPage(true));
  }

  /** Fails when any page has complained. */
  void hasNoComplaints() {
    assertThat(complaints).isEmpty();
  }

  @Override
  public void close() {
    browser.close();
    playwright.close();
  }
}
