package org.pmslink.api;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StringDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Caller;
import org.pmslink.patient.RecordJson;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.MethodParameter;
import org.springframework.core.convert.converter.Converter;
import org.springframework.core.convert.converter.ConverterFactory;
import org.springframework.format.FormatterRegistry;
import org.springframework.http.MediaType;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.http.converter.json.MappingJackson2HttpMessageConverter;
import org.springframework.web.bind.support.WebDataBinderFactory;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.method.support.ModelAndViewContainer;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * How the API reads and writes: names in snake_case, words for one of several in lower case with
 * hyphens, absent instead of null; unknown and repeated fields are refused.
 */
@Configuration(proxyBeanMethods = false)
@ConditionalOnWebApplication
class ApiJson implements WebMvcConfigurer {
  static final String PRACTICES = "/api/v1/practices/";

  /** Where everything of a practice is. */
  static final String PRACTICE = PRACTICES + "{practice}";

  static final ObjectMapper MAPPER =
      RecordJson.mapper()
          .copy()
          .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .registerModule(
              new SimpleModule()
                  .addSerializer(new Labels())
                  .addDeserializer(String.class, new Storable()));

  /** One of several, as the API says it: {@code front-desk}. */
  static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * The reverse.
   *
   * @param field that the caller gave it in
   */
  static <E extends Enum<E>> E read(Class<E> kind, String field, @Nullable String label) {
    for (E value : kind.getEnumConstants()) {
      if (label(value).equals(label)) {
        return value;
      }
    }
    throw new Problem.Refused(
        422,
        field
            + ": must be one of "
            + java.util.Arrays.stream(kind.getEnumConstants())
                .map(ApiJson::label)
                .collect(java.util.stream.Collectors.joining(", ")));
  }

  @SuppressWarnings("rawtypes")
  private static final class Labels extends StdSerializer<Enum> {
    private static final long serialVersionUID = 1L;

    Labels() {
      super(Enum.class);
    }

    @Override
    public void serialize(Enum value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeString(label(value));
    }
  }

  static String write(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(
          "a " + value.getClass().getSimpleName() + " can always be written", e);
    }
  }

  static boolean isOfTheApi(HttpServletRequest request) {
    return request.getRequestURI().startsWith(request.getContextPath() + "/api/");
  }

  @Override
  public void extendMessageConverters(List<HttpMessageConverter<?>> converters) {
    converters.add(0, new OfTheApi());
  }

  /** JSON of the API alone: other addresses have ways of their own. */
  private static final class OfTheApi extends MappingJackson2HttpMessageConverter {
    OfTheApi() {
      super(MAPPER);
      setSupportedMediaTypes(List.of(MediaType.APPLICATION_JSON));
    }

    @Override
    public boolean canRead(
        java.lang.reflect.Type type, @Nullable Class<?> context, @Nullable MediaType media) {
      return isHere() && super.canRead(type, context, media);
    }

    @Override
    public boolean canWrite(Class<?> type, @Nullable MediaType media) {
      return isHere() && type != byte[].class && super.canWrite(type, media);
    }

    private static boolean isHere() {
      return RequestContextHolder.getRequestAttributes() instanceof ServletRequestAttributes here
          && isOfTheApi(here.getRequest());
    }
  }

  /** Bodies are JSON and nothing else that something here could read. */
  @Override
  public void addInterceptors(InterceptorRegistry registry) {
    registry.addInterceptor(new OnlyJson()).addPathPatterns(PRACTICES + "**");
  }

  private static final class OnlyJson implements HandlerInterceptor {
    @Override
    public boolean preHandle(
        HttpServletRequest request, HttpServletResponse response, Object handler) {
      String type = request.getContentType() == null ? "" : request.getContentType();
      String bare = type.toLowerCase(Locale.ROOT).replaceFirst(";.*", "").strip();
      if (request.getContentLengthLong() > 0 && !bare.equals(MediaType.APPLICATION_JSON_VALUE)) {
        throw new Problem.Refused(415, "the body must be application/json");
      }
      return true;
    }
  }

  /** Words for one of several in addresses, as in answers. */
  @Override
  public void addFormatters(FormatterRegistry registry) {
    registry.addConverterFactory(new FromLabels());
  }

  @SuppressWarnings("rawtypes")
  private static final class FromLabels implements ConverterFactory<String, Enum> {
    @Override
    @SuppressWarnings("unchecked")
    public <E extends Enum> Converter<String, E> getConverter(Class<E> kind) {
      return label -> (E) Enum.valueOf(kind, label.toUpperCase(Locale.ROOT).replace('-', '_'));
    }
  }

  @Override
  public void addArgumentResolvers(List<HandlerMethodArgumentResolver> resolvers) {
    resolvers.add(new WhoCalls());
  }

  private static final class WhoCalls implements HandlerMethodArgumentResolver {
    @Override
    public boolean supportsParameter(MethodParameter parameter) {
      return parameter.getParameterType() == Caller.class;
    }

    @Override
    public Object resolveArgument(
        MethodParameter parameter,
        @Nullable ModelAndViewContainer model,
        NativeWebRequest request,
        @Nullable WebDataBinderFactory binder) {
      return Caller.of(Objects.requireNonNull(request.getNativeRequest(HttpServletRequest.class)));
    }
  }

  /**
   * Text as it was sent, or not at all: the store would make a question mark of half a character.
   */
  private static final class Storable extends StringDeserializer {
    private static final long serialVersionUID = 1L;

    @Override
    public String deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      String text = super.deserialize(parser, context);
      if (text != null
          && text.codePoints().anyMatch(c -> Character.getType(c) == Character.SURROGATE)) {
        // Without the text, which Jackson's own exceptions quote.
        throw JsonMappingException.from(parser, "holds characters that cannot be stored");
      }
      return text;
    }
  }
}
