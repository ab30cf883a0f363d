package org.pmslink.cli;

public final class CommandLineTool {
  public static final int KEEP_RUNNING = -1;

  public static int run(Class<?> a, String[] b) {
    return 0;
  }

  private CommandLineTool() {}
}
