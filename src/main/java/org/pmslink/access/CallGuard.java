package org.pmslink.access;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Map;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * Stands behind {@link CallerFilter}, before every address that programs call in a practice:
 * whoever has not the right that the address {@link Needs} gets 403, and so does everybody at one
 * that does not say what it needs.
 */
@Component
@ConditionalOnWebApplication
class CallGuard implements HandlerInterceptor, WebMvcConfigurer {
  @Override
  public void addInterceptors(InterceptorRegistry registry) {
    registry.addInterceptor(this).addPathPatterns("/api/**");
  }

  @Override
  public boolean preHandle(
      HttpServletRequest request, HttpServletResponse response, Object handler) {
    if (handler instanceof HandlerMethod method && isOfAPractice(request)) {
      Needs needs = method.getMethodAnnotation(Needs.class);
      if (needs == null || !CallerFilter.mayMake(request, needs.value())) {
        throw new ResponseStatusException(HttpStatus.FORBIDDEN, CallerFilter.NOT_IN_THIS_ROLE);
      }
    }
    return true;
  }

  private static boolean isOfAPractice(HttpServletRequest request) {
    return request.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE)
            instanceof Map<?, ?> variables
        && variables.containsKey("practice");
  }
}
