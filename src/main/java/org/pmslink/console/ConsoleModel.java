package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Visit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.ModelAttribute;
import org.springframework.web.servlet.ModelAndView;

/** What every page knows, and the page for what went wrong. */
@ControllerAdvice("org.pmslink.console")
class ConsoleModel {
  private static final Logger LOG = LoggerFactory.getLogger(ConsoleModel.class);

  /** Who is there, with which rights; none on the page where one signs in. */
  @ModelAttribute("visit")
  @Nullable Visit visit(HttpServletRequest request) {
    return Visit.orNull(request);
  }

  @ExceptionHandler
  ModelAndView withoutStore(DataAccessException failure, HttpServletRequest request) {
    LOG.warn("a page found no store: {}", failure.getClass().getSimpleName());
    return error(HttpStatus.SERVICE_UNAVAILABLE, request);
  }

  /** Without the exception's message, which may quote a patient. */
  @ExceptionHandler
  ModelAndView failed(Exception failure, HttpServletRequest request) {
    if (failure instanceof ErrorResponse known) {
      return error(known.getStatusCode(), request);
    }
    StackTraceElement[] trace = failure.getStackTrace();
    LOG.error(
        "a page failed: {} at {}",
        failure.getClass().getName(),
        trace.length == 0 ? "?" : trace[0]);
    return error(HttpStatus.INTERNAL_SERVER_ERROR, request);
  }

  private static ModelAndView error(HttpStatusCode status, HttpServletRequest request) {
    ModelAndView page = new ModelAndView("error");
    page.setStatus(status);
    page.addObject("status", status.value());
    page.addObject("visit", Visit.orNull(request));
    return page;
  }
}
