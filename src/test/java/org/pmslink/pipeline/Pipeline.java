package org.pmslink.pipeline;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.pmslink.sample.OpenDentalServer;
import org.pmslink.sample.OpenIdProvider;
import org.springframework.util.FileSystemUtils;

/**
 * Hands one MariaDB and one engine to all tests of the pipeline, because starting them takes longer
 * than most tests. Both go when the last test is done.
 */
final class Pipeline implements ParameterResolver {
  /** More than all tests together are refused. */
  static final int REFUSALS_PER_MINUTE = 60;

  private static final class Servers implements ExtensionContext.Store.CloseableResource {
    final Path folder;
    final OpenDentalServer pms;
    final Engine engine;
    private final int provider = OpenIdProvider.freePort();
    private @Nullable OpenIdProvider people;

    Servers() {
      try {
        folder = Files.createTempDirectory("pms-link-pipeline");
        pms = OpenDentalServer.start(folder.resolve("open-dental"), 0);
        engine =
            new Engine(
                    folder.resolve("engine"),
                    "--pmslink.access.refusals-per-minute=" + REFUSALS_PER_MINUTE,
                    "--pmslink.access.oidc.issuer=" + OpenIdProvider.issuer(provider),
                    "--pmslink.access.oidc.client-id=" + OpenIdProvider.CLIENT,
                    "--pmslink.access.oidc.client-secret=" + OpenIdProvider.SECRET,
                    "--pmslink.access.oidc.name=Example Dental",
                    "--pmslink.access.oidc.roles[0].value=desk of {practice}",
                    "--pmslink.access.oidc.roles[0].role=front-desk",
                    "--pmslink.access.oidc.roles[0].practice={practice}",
                    "--pmslink.access.jwt.issuer=" + OpenIdProvider.issuer(provider),
                    "--pmslink.access.jwt.audience=" + OpenIdProvider.AUDIENCE,
                    "--pmslink.access.jwt.roles-claim=groups",
                    "--pmslink.access.jwt.roles[0].value=machine of {practice}",
                    "--pmslink.access.jwt.roles[0].role=machine",
                    "--pmslink.access.jwt.roles[0].practice={practice}",
                    "--pmslink.access.jwt.roles[1].value=auditor of {practice}",
                    "--pmslink.access.jwt.roles[1].role=auditor",
                    "--pmslink.access.jwt.roles[1].practice={practice}",
                    "--pmslink.survivorship.fields.phone-work=MEMBER_WINS",
                    "--pmslink.survivorship.fields.line2=ONLY_IF_EMPTY")
                .withWeb()
                .start();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** Started by the first test that wants it; the engine does not need it before. */
    synchronized OpenIdProvider people() {
      if (people == null) {
        OpenIdProvider started = new OpenIdProvider(provider);
        started.start(engine.url());
        people = started;
      }
      return people;
    }

    @Override
    public void close() throws IOException {
      if (people != null) {
        people.close();
      }
      engine.close();
      pms.close();
      FileSystemUtils.deleteRecursively(folder);
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == Engine.class || type == OpenDentalServer.class || type == OpenIdProvider.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Servers servers =
        context
            .getRoot()
            .getStore(ExtensionContext.Namespace.create(Pipeline.class))
            .getOrComputeIfAbsent(Servers.class, key -> new Servers(), Servers.class);
    Class<?> type = parameter.getParameter().getType();
    return type == Engine.class
        ? servers.engine
        : type == OpenIdProvider.class ? servers.people() : servers.pms;
  }
}
