package org.pmslink.api;

import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.pmslink.membership.RefusedException;
import org.pmslink.office.NotAllowedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.TypeMismatchException;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.core.Ordered;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.security.web.firewall.RequestRejectedException;
import org.springframework.stereotype.Component;
import org.springframework.validation.BindException;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.MissingServletRequestParameterException;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.ModelAndView;
import org.springframework.web.servlet.resource.ResourceHttpRequestHandler;

/** Answers whatever goes wrong at an address of the API with a {@link Problem}. */
@Component
@ConditionalOnWebApplication
class Problems implements HandlerExceptionResolver, Ordered {
  private static final Logger LOG = LoggerFactory.getLogger(Problems.class);
  private static final int LONGEST_NAME = 40;

  @Override
  public int getOrder() {
    return HIGHEST_PRECEDENCE;
  }

  @Override
  public @Nullable ModelAndView resolveException(
      HttpServletRequest request,
      HttpServletResponse response,
      @Nullable Object handler,
      Exception failure) {
    if (!ApiJson.isOfTheApi(request) || response.isCommitted()) {
      return null;
    }
    if (handler instanceof ResourceHttpRequestHandler) {
      // No address of ours, whatever the method.
      return answered(Problem.Refused.notThere().problem, response);
    }
    if (failure instanceof ErrorResponse known) {
      known
          .getHeaders()
          .forEach((name, values) -> values.forEach(v -> response.addHeader(name, v)));
    }
    return answered(problem(failure), response);
  }

  private static ModelAndView answered(Problem problem, HttpServletResponse response) {
    try {
      problem.write(response);
    } catch (IOException e) {
      LOG.debug("nobody waits for an answer any more");
    }
    return new ModelAndView();
  }

  private static Problem problem(Exception failure) {
    if (failure instanceof Problem.Refused refused) {
      return refused.problem;
    }
    if (failure instanceof RefusedException refused) {
      int status =
          refused instanceof NotAllowedException
              ? 403
              : refused instanceof RefusedException.Changed ? 412 : 409;
      return Problem.of(status, String.valueOf(refused.getMessage()));
    }
    if (failure instanceof HttpMessageNotReadableException unreadable) {
      return Problem.of(400, unreadable(unreadable));
    }
    if (failure instanceof MethodArgumentTypeMismatchException mismatch) {
      return Problem.of(400, mismatch.getName() + ": not a value of its kind");
    }
    if (failure instanceof TypeMismatchException) {
      return Problem.of(400, "a value in the address is not of its kind");
    }
    if (failure instanceof BindException wrong && wrong.getFieldError() != null) {
      return Problem.of(400, wrong.getFieldError().getField() + ": not a value of its kind");
    }
    if (failure instanceof ErrorResponse known) {
      int status = known.getStatusCode().value();
      return Problem.of(status, words(status, failure));
    }
    if (failure instanceof RequestRejectedException) {
      // Looked at when somebody asks for it, and so not where addresses are.
      return Problem.of(400, "a header holds characters that belong into none");
    }
    if (failure instanceof DataIntegrityViolationException) {
      LOG.warn("a request brought a value that cannot be stored");
      return Problem.of(422, "a value holds characters that cannot be stored");
    }
    if (failure instanceof DataAccessException) {
      LOG.warn("a request found no store: {}", failure.getClass().getSimpleName());
      return Problem.of(503, "the store cannot be reached; try again later");
    }
    // Without the exception's message, which may quote a patient.
    StackTraceElement[] trace = failure.getStackTrace();
    LOG.error(
        "a request failed: {} at {}",
        failure.getClass().getName(),
        trace.length == 0 ? "?" : trace[0]);
    return Problem.of(500, "the request failed; the log says why");
  }

  private static String words(int status, Exception failure) {
    if (failure instanceof MissingServletRequestParameterException missing) {
      return missing.getParameterName() + ": is missing";
    }
    if (failure instanceof ResponseStatusException ours && ours.getReason() != null) {
      return ours.getReason();
    }
    return switch (status) {
      case 404 -> "there is nothing at this address";
      case 405 -> "this address takes no such request; the header Allow says what it takes";
      case 406 -> "answers are application/json";
      case 415 -> "the body must be application/json";
      default -> "the request cannot be understood";
    };
  }

  /** Names the field that is wrong, never its value. */
  private static String unreadable(HttpMessageNotReadableException failure) {
    if (failure.getCause() instanceof UnrecognizedPropertyException unknown) {
      String name = unknown.getPropertyName();
      return "there is no field \""
          + (name.length() > LONGEST_NAME ? name.substring(0, LONGEST_NAME) + "..." : name)
          + "\"";
    }
    if (failure.getCause() instanceof JsonMappingException wrong && !wrong.getPath().isEmpty()) {
      return wrong.getPath().stream()
              .map(
                  part ->
                      part.getFieldName() == null
                          ? "[" + part.getIndex() + "]"
                          : part.getFieldName())
              .collect(Collectors.joining("."))
          + ": not a value of its kind";
    }
    return "the body is no JSON object that can be read, or names a field twice";
  }
}
