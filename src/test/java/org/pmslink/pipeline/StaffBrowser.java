package org.pmslink.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.ReducedMotion;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

  private static final String AXE = axe();
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

  private static String axe() {
    try (InputStream script = AxeBuilder.class.getResourceAsStream("/axe.min.js")) {
      return new String(
          Objects.requireNonNull(script).readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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

  /**
   * A window in which pages are looked at for what keeps people out: axe is there as soon as a page
   * is, so that it can be asked several times of one page.
   */
  Page inspectingWindow(int width) {
    Page page = window(width);
    page.context().addInitScript(AXE);
    // Colours that change slowly would be looked at on their way.
    page.emulateMedia(new Page.EmulateMediaOptions().setReducedMotion(ReducedMotion.REDUCE));
    return page;
  }

  /** What people who cannot see the page, or not well, could not use. */
  static List<String> barriers(Page page) {
    return violations(page, Map.of("type", "tag", "values", ACCESSIBLE));
  }

  /** What is hard to read in the colours of now. */
  static List<String> poorContrast(Page page) {
    return violations(page, Map.of("type", "rule", "values", List.of("color-contrast")));
  }

  /** In the page as it is: what AxeBuilder does opens another page for each look. */
  @SuppressWarnings("unchecked")
  private static List<String> violations(Page page, Map<String, Object> runOnly) {
    List<String> found =
        (List<String>)
            page.evaluate(
                """
                runOnly => axe.run(document, {runOnly, resultTypes: ['violations']})
                  .then(r => r.violations.map(v =>
                    v.id + ' ' + v.nodes.slice(0, 3).map(n => n.html).join(' ')))""",
                runOnly);
    return found.stream().map(violation -> page.url() + ": " + violation).toList();
  }

  /** Whether the page is wider than the window, or a table than the column that it stands in. */
  static boolean runsOver(Page page) {
    return (Boolean)
        page.evaluate(
            """
            document.documentElement.scrollWidth > document.documentElement.clientWidth
              || [...document.querySelectorAll('table')].some(table =>
                   getComputedStyle(table.parentElement).overflowX === 'visible'
                     && table.getBoundingClientRect().right
                          > table.parentElement.getBoundingClientRect().right + 1)""");
  }

  /**
   * Keeps a picture of the whole page in {@code target/pages}, with {@code
   * -Dconsole.pictures=true}.
   */
  static void picture(Page page, String name) {
    if (!Boolean.getBoolean("console.pictures")) {
      return;
    }
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
