package org.pmslink.console;

import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Visit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.TypeMismatchException;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataIntegrityViolationException;
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
  /** As in {@code /console/PRACTICE/PAGE}, behind the first slash. */
  private static final int PAGE_IN_ADDRESS = 3;

  private static final Logger LOG = LoggerFactory.getLogger(ConsoleModel.class);

  /** Who is there, with which rights; none on the page where one signs in. */
  @ModelAttribute("visit")
  @Nullable Visit visit(HttpServletRequest request) {
    return Visit.orNull(request);
  }

  /**
   * Under which entry of the menu a page belongs, by what its address has behind the practice;
   * empty for the practice's first page.
   */
  @ModelAttribute("here")
  String here(HttpServletRequest request) {
    String[] parts =
        request.getRequestURI().substring(request.getContextPath().length()).split("/");
    String page = parts.length > PAGE_IN_ADDRESS ? parts[PAGE_IN_ADDRESS] : "";
    if (request.getRequestURI().endsWith("/members/new")) {
      return "patients";
    }
    return switch (page) {
      case "patient" -> "patients";
      case "flagged" -> "reviews";
      case "replays" -> "letters";
      case "bench" -> "feeds";
      default -> page;
    };
  }

  /** What was sent is no number, or holds what no text can. */
  @ExceptionHandler({TypeMismatchException.class, DataIntegrityViolationException.class})
  ModelAndView notUnderstood(HttpServletRequest request) {
    return error(HttpStatus.BAD_REQUEST, request);
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
