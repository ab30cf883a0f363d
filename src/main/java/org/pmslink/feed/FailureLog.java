package org.pmslink.feed;

import java.sql.SQLException;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Notes failures of routes: which route and what kind, never a message of the exception, because
 * drivers and parsers quote what they were given.
 */
@Component
public class FailureLog {
  private static final Logger log = LoggerFactory.getLogger(FailureLog.class);

  /** Notes the failure that the exchange carries. */
  public void note(Exchange exchange) {
    Throwable thrown = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Throwable.class);
    Throwable root = thrown;
    String state = "";
    for (Throwable t = thrown; t != null; t = t.getCause()) {
      root = t;
      if (t instanceof SQLException sql) {
        state = ", SQL state " + sql.getSQLState();
      }
    }
    StackTraceElement[] trace = root == null ? new StackTraceElement[0] : root.getStackTrace();
    log.warn(
        "route {} failed: {}{} at {}",
        exchange.getFromRouteId(),
        root == null ? "?" : root.getClass().getName(),
        state,
        trace.length == 0 ? "?" : trace[0]);
  }
}
