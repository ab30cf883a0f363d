package org.pmslink.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.pmslink.security.PrivateFolder;

/**
 * The folder of one engine, held by one process at a time. The operating system gives the lock back
 * when the process ends in any way, so a crash leaves nothing to clean up.
 */
public final class DataFolder implements AutoCloseable {
  private final Path path;
  private final FileChannel lockFile;

  private DataFolder(Path path, FileChannel lockFile) {
    this.path = path;
    this.lockFile = lockFile;
  }

  /**
   * Makes the folder when needed and takes it for this process.
   *
   * @throws IllegalStateException with one line that says who has it
   */
  public static DataFolder own(Path folder) {
    Path path = folder.toAbsolutePath().normalize();
    try {
      PrivateFolder.make(path);
      Path file = path.resolve("engine.lock");
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      if (lock(channel) == null) {
        channel.close();
        String owner = Files.readString(file).strip();
        throw new IllegalStateException(
            "The data folder " + path + " is in use by the running engine, process " + owner);
      }
      // For the message above in the process that comes second.
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes(UTF_8)));
      return new DataFolder(path, channel);
    } catch (IOException e) {
      throw new IllegalStateException(
          "The data folder "
              + path
              + " cannot be used ("
              + e.getClass().getSimpleName()
              + "): name a folder that this user may write to in pmslink.data-folder",
          e);
    }
  }

  private static @Nullable FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // Held by this very process, which Java reports in its own way.
      return null;
    }
  }

  Path resolve(String name) {
    return path.resolve(name);
  }

  @Override
  public void close() {
    try {
      lockFile.close();
    } catch (IOException e) {
      throw new IllegalStateException("The data folder " + path + " was not given back", e);
    }
  }
}
