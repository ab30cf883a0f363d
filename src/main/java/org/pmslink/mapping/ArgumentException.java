package org.pmslink.mapping;

/**
 * A function of ours cannot use an argument. What it is may be said only if the mapping itself
 * writes it; a mapping may as well have taken it from the record.
 */
final class ArgumentException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String argument;
  private final String problem;

  /**
   * @param argument as the function got it: perhaps patient data
   * @param problem goes on after "this argument ..."
   */
  ArgumentException(String argument, String problem) {
    super(problem);
    this.argument = argument;
    this.problem = problem;
  }

  /** What is wrong, with the argument if that stands in the mapping. */
  String said(String mappingText) {
    String quoted = '"' + argument + '"';
    return (mappingText.contains(quoted) ? quoted : "an argument taken from the record")
        + ' '
        + problem;
  }
}
