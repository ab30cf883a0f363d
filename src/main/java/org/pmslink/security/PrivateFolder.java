package org.pmslink.security;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;

/** A folder that only its owner can enter. */
public final class PrivateFolder {
  private PrivateFolder() {}

  /** Makes the folder when it is missing; one that exists keeps the permissions it was given. */
  public static void make(Path folder) throws IOException {
    Files.createDirectories(folder, only(folder, "rwx------"));
  }

  static FileAttribute<?>[] only(Path place, String permissions) {
    // Windows has no such permissions; there the folder's access list decides.
    return place.getFileSystem().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        }
        : new FileAttribute<?>[0];
  }
}
