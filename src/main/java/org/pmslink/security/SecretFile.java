package org.pmslink.security;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/** A file that holds one secret, made when it is first asked for and readable by its owner only. */
public final class SecretFile {
  private SecretFile() {}

  /**
   * Reads the secret, after making it when there is none yet.
   *
   * @throws IllegalStateException with one line that names the file and never its content
   */
  public static String readOrCreate(Path file, Supplier<String> newSecret) {
    try {
      if (Files.notExists(file)) {
        create(file, newSecret.get());
      }
      return Files.readString(file);
    } catch (IOException e) {
      throw new IllegalStateException(
          "Cannot read or make the secret file " + file + ": " + e.getClass().getSimpleName(), e);
    }
  }

  /** Written aside and then renamed, so that a crash never leaves half a key behind. */
  private static void create(Path file, String secret) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IOException("a secret file needs a folder");
    }
    PrivateFolder.make(folder);
    Path draft =
        Files.createTempFile(folder, "new-", ".secret", PrivateFolder.only(folder, "rw-------"));
    try {
      Files.writeString(draft, secret);
      Files.move(draft, file);
    } catch (FileAlreadyExistsException e) {
      // Another process was first: its secret is the one that counts.
    } finally {
      Files.deleteIfExists(draft);
    }
  }
}
