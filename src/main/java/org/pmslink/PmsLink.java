package org.pmslink;

/** Entry point of the product. */
public final class PmsLink {
  private PmsLink() {}

  /** Runs the command line. */
  public static void main(String[] args) {
    System.out.println("hi");
  }
}
