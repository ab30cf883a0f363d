package org.pmslink.pipeline;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** A PMS that sends HL7 messages over a real connection, and reads the answers. */
public final class MllpSender implements AutoCloseable {
  private final Socket socket;

  /** Connects to a door on this machine. */
  public MllpSender(int port) throws IOException {
    this(new Socket(InetAddress.getLoopbackAddress(), port));
  }

  /** Over a connection that there is. */
  MllpSender(Socket socket) throws IOException {
    this.socket = socket;
    socket.setSoTimeout(90_000);
    socket.setTcpNoDelay(true);
  }

  /** A port that was free a moment ago. */
  public static int freePort() throws IOException {
    try (ServerSocket any = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      return any.getLocalPort();
    }
  }

  static byte[] frame(byte[] message) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(0x0B);
    out.writeBytes(message);
    out.write(0x1C);
    out.write(0x0D);
    return out.toByteArray();
  }

  static byte[] frame(String message) {
    return frame(message.getBytes(ISO_8859_1));
  }

  void raw(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  /** Sends a message and reads its answer; empty when the connection was closed instead. */
  String send(String message) throws IOException {
    raw(frame(message));
    return answer();
  }

  /** Likewise. */
  public String send(byte[] message) throws IOException {
    raw(frame(message));
    return answer();
  }

  /** The next answer; empty when the connection was closed instead. */
  String answer() throws IOException {
    InputStream in = socket.getInputStream();
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    int before = -1;
    for (int b = in.read(); b >= 0; b = in.read()) {
      if (before == 0x1C && b == 0x0D) {
        String framed = answer.toString(ISO_8859_1);
        return framed.substring(1, framed.length() - 1);
      }
      answer.write(b);
      before = b;
    }
    return "";
  }

  /** MSA-1 and MSA-2 of an answer. */
  public static String msa(String answer) {
    for (String segment : answer.split("\r")) {
      if (segment.startsWith("MSA|")) {
        String[] fields = segment.split("\\|", -1);
        return fields[1] + " " + fields[2];
      }
    }
    return "";
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
