package org.pmslink.hl7;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.MessageToByteEncoder;
import java.util.List;

/**
 * What came between the start of a frame (0B) and its end (1C 0D) on a connection.
 *
 * @param complete whether the end came; what has none is no message, however whole it looks
 */
public record MllpFrame(byte[] bytes, boolean complete) {
  private static final byte START = 0x0B;
  private static final byte END = 0x1C;
  private static final byte RETURN = 0x0D;

  /**
   * Far more than any message about one patient; of a longer one this much is kept to answer it.
   */
  private static final int LONGEST = 1024 * 1024;

  /**
   * Takes the frames out of what arrives, in whatever pieces it arrives: one in many, or many in
   * one. What lies between frames is skipped. A frame that begins anew before its end, or is too
   * long, comes out as incomplete, and the next one is read again.
   */
  public static final class Reader extends ByteToMessageDecoder {
    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
      int start = in.indexOf(in.readerIndex(), in.writerIndex(), START);
      if (start < 0) {
        in.skipBytes(in.readableBytes());
        return;
      }
      in.readerIndex(start);
      int end = end(in, start + 1);
      int again = in.indexOf(start + 1, end < 0 ? in.writerIndex() : end, START);
      if (again >= 0) {
        emit(in, start + 1, again, false, out);
        in.readerIndex(again);
      } else if (end >= 0) {
        emit(in, start + 1, end, true, out);
        in.readerIndex(end + 2);
      } else if (in.writerIndex() - start > LONGEST) {
        emit(in, start + 1, start + LONGEST / 16, false, out);
        // The rest is skipped, being outside of any frame now.
        in.skipBytes(in.readableBytes());
      }
    }

    /** Where the frame ends that begins before {@code from}; -1 when that has not arrived. */
    private static int end(ByteBuf in, int from) {
      int at = from;
      while (true) {
        int end = in.indexOf(at, in.writerIndex(), END);
        if (end < 0 || end + 1 >= in.writerIndex()) {
          return -1;
        }
        if (in.getByte(end + 1) == RETURN) {
          return end;
        }
        at = end + 1;
      }
    }

    private static void emit(ByteBuf in, int from, int to, boolean complete, List<Object> out) {
      byte[] bytes = new byte[to - from];
      in.getBytes(from, bytes);
      out.add(new MllpFrame(bytes, complete));
    }
  }

  /** Puts an answer into a frame. */
  public static final class Writer extends MessageToByteEncoder<byte[]> {
    @Override
    protected void encode(ChannelHandlerContext context, byte[] message, ByteBuf out) {
      out.writeByte(START).writeBytes(message).writeByte(END).writeByte(RETURN);
    }
  }
}
