package org.pmslink.pipeline;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The network between the engine and a server on this host, which can be cut: connections break,
 * new ones are refused, and the address stays the same when it is mended.
 */
final class Cable implements AutoCloseable {
  private final int to;
  private final int port;
  private final Set<Closeable> ends = ConcurrentHashMap.newKeySet();
  private @Nullable ServerSocket entrance;

  /**
   * @param to port of the server
   */
  Cable(int to) throws IOException {
    this.to = to;
    try (ServerSocket any = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      port = any.getLocalPort();
    }
    mend();
  }

  int port() {
    return port;
  }

  synchronized void mend() throws IOException {
    ServerSocket open = new ServerSocket();
    open.setReuseAddress(true);
    open.bind(new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    entrance = open;
    run(() -> accept(open));
  }

  synchronized void cut() throws IOException {
    if (entrance != null) {
      entrance.close();
      entrance = null;
    }
    for (Closeable end : ends) {
      end.close();
    }
    ends.clear();
  }

  private void accept(ServerSocket open) throws IOException {
    while (!open.isClosed()) {
      Socket client = open.accept();
      Socket server = new Socket(InetAddress.getLoopbackAddress(), to);
      ends.add(client);
      ends.add(server);
      run(() -> copy(client, server));
      run(() -> copy(server, client));
    }
  }

  private static void copy(Socket from, Socket to) throws IOException {
    try (from;
        to;
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream()) {
      in.transferTo(out);
    }
  }

  private interface Copying {
    void run() throws IOException;
  }

  private static void run(Copying copying) {
    Thread thread =
        new Thread(
            () -> {
              try {
                copying.run();
              } catch (IOException e) {
                // One of the two sides has ended, or the cable is cut.
              }
            },
            "cable");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    try {
      cut();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
