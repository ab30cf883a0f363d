package org.pmslink;

import org.pmslink.cli.CommandLineTool;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.jms.JmsAutoConfiguration;
import org.springframework.boot.autoconfigure.jms.artemis.ArtemisAutoConfiguration;

/**
 * The product. The modules in the order of the flow: {@code feed} reads, {@code linking} maps,
 * normalises ({@code patient}) and matches ({@code matching}), {@code membership} writes the store,
 * {@code deadletter} keeps what failed, {@code progress} counts.
 */
@SpringBootApplication(exclude = {JmsAutoConfiguration.class, ArtemisAutoConfiguration.class})
public class PmsLink {

  /** Runs the command line; see {@code --help}. */
  public static void main(String[] args) {
    int status = CommandLineTool.runAlone(PmsLink.class, args);
    if (status != CommandLineTool.KEEP_RUNNING) {
      System.exit(status);
    }
  }
}
