package org.pmslink.api;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.core.Ordered;
import org.springframework.http.HttpMethod;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * Refuses what nobody reads in the address of a question: a filter that is passed over, because it
 * is mistyped, lists everything. What an address takes is what its method has parameters for.
 */
@Component
@ConditionalOnWebApplication
class KnownParameters implements HandlerInterceptor, WebMvcConfigurer {
  /** Others may be what somebody was looked for by, and are not repeated. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z_]{1,40}");

  private final Map<Method, SortedSet<String>> known = new ConcurrentHashMap<>();

  /** Behind those who ask who calls and whether they may. */
  @Override
  public void addInterceptors(InterceptorRegistry registry) {
    registry.addInterceptor(this).addPathPatterns("/api/**").order(Ordered.LOWEST_PRECEDENCE);
  }

  @Override
  public boolean preHandle(
      HttpServletRequest request, HttpServletResponse response, Object handler) {
    if (handler instanceof HandlerMethod method
        && (HttpMethod.GET.matches(request.getMethod())
            || HttpMethod.HEAD.matches(request.getMethod()))) {
      SortedSet<String> takes =
          known.computeIfAbsent(method.getMethod(), KnownParameters::parameters);
      for (String sent : request.getParameterMap().keySet()) {
        if (!takes.contains(sent)) {
          throw new Problem.Refused(
              400,
              (NAME.matcher(sent).matches() ? sent + ": " : "a parameter: ")
                  + "there is no such parameter here; "
                  + (takes.isEmpty()
                      ? "this address takes none"
                      : "this address takes " + String.join(", ", takes)));
        }
      }
    }
    return true;
  }

  private static SortedSet<String> parameters(Method method) {
    SortedSet<String> names = new TreeSet<>();
    for (Parameter parameter : method.getParameters()) {
      RequestParam asked = parameter.getAnnotation(RequestParam.class);
      if (asked != null) {
        names.add(asked.name().isEmpty() ? parameter.getName() : asked.name());
      } else if (parameter.getType() == Page.Wanted.class) {
        for (RecordComponent component : Page.Wanted.class.getRecordComponents()) {
          names.add(component.getName());
        }
      }
    }
    return names;
  }
}
