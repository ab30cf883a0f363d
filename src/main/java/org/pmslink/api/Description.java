package org.pmslink.api;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import io.swagger.v3.core.jackson.ModelResolver;
import io.swagger.v3.core.jackson.TypeNameResolver;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.parameters.Parameter;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import io.swagger.v3.oas.models.servers.Server;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.pmslink.access.Caller;
import org.pmslink.access.Needs;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springdoc.core.customizers.OperationCustomizer;
import org.springdoc.core.utils.SpringDocUtils;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What the API says of itself, in OpenAPI. Open to everybody: nothing of a practice is in it. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnWebApplication
class Description {
  static final String PATH = "/api/v1/openapi.json";
  private static final String BEARER = "bearer";
  private static final String ERROR = "Error";
  private static final String PROBLEM = "#/components/schemas/Problem";

  private static final Map<String, String> PARAMETERS =
      Map.ofEntries(
          Map.entry("practice", "Short name of the practice that the token is for"),
          Map.entry("patient", "Number of a chart here, as searches and $match give it"),
          Map.entry("number", "Number of a member"),
          Map.entry("merge", "Number of a merge"),
          Map.entry("plan", "Number of a plan"),
          Map.entry("membership", "Number of a membership"),
          Map.entry("review", "Number of a review"),
          Map.entry("duplicate", "Number of a finding"),
          Map.entry("letter", "Number of a dead letter"),
          Map.entry("group", "Key of a group of dead letters"),
          Map.entry("replay", "Number of a replay task"),
          Map.entry("feed", "Name of a feed"),
          Map.entry("source", "Name of a PMS installation"),
          Map.entry("record", "Id of the record in the PMS"),
          Map.entry("category", "Why letters failed"),
          Map.entry("assignee", "Who cares for letters"),
          Map.entry("state", "Only in these states"),
          Map.entry("from", "Failed last at this time or later"),
          Map.entry("to", "Failed last before this time"),
          Map.entry("order", "Which groups come first"),
          Map.entry("reason", "Only those of this reason"),
          Map.entry("kind", "Only charts, or only members"),
          Map.entry("show", "all, linked, unlinked or flagged"),
          Map.entry("retired", "Whether those are listed too that are sold no more"),
          Map.entry("day", "YYYY-MM-DD; today when absent"),
          Map.entry("actor", "Only what they did"),
          Map.entry("action", "Only such entries"),
          Map.entry("limit", "How many of them at most: from 1 to 200"),
          Map.entry("cursor", "next of the page before; absent for the first page"));

  private static final Map<String, Class<?>> CALLED = new ConcurrentHashMap<>();

  private static final Map<String, String> ERRORS = new LinkedHashMap<>();

  static {
    ERRORS.put("400", "The request cannot be understood; detail names the field");
    ERRORS.put("401", "No token, or one that is unknown or revoked");
    ERRORS.put("403", "The token's role does not allow that");
    ERRORS.put("404", "There is nothing there, or not for this token");
    ERRORS.put("406", "Answers are application/json");
    ERRORS.put("409", "It cannot be done as things are");
    ERRORS.put("412", "It was changed meanwhile; read it again");
    ERRORS.put("413", "The body is too large");
    ERRORS.put("415", "The body must be application/json");
    ERRORS.put("422", "A value cannot be");
    ERRORS.put("428", "If-Match is missing");
    ERRORS.put("429", "Too many calls; Retry-After says when to come again");
    ERRORS.put("503", "The store cannot be reached; try again later");
  }

  static {
    SpringDocUtils.getConfig().addRequestWrapperToIgnore(Caller.class);
  }

  /** What schemas are called: no two classes alike. */
  private static final class Names extends TypeNameResolver {
    @Override
    protected String getNameOfClass(Class<?> type) {
      Class<?> around = type.getEnclosingClass();
      boolean ours = type.getPackageName().equals(Description.class.getPackageName());
      String name =
          around == null || ours
              ? type.getSimpleName()
              : around.getSimpleName() + type.getSimpleName();
      Class<?> known = CALLED.putIfAbsent(name, type);
      if (known != null && known != type) {
        throw new IllegalStateException(name + " would be both " + known + " and " + type);
      }
      return name;
    }
  }

  /** Names and words as they are written. */
  @Bean
  ModelResolver schemasAsWritten() {
    return new ModelResolver(ApiJson.MAPPER, new Names());
  }

  /** Which right an operation wants, and what every operation has alike. */
  @Bean
  OperationCustomizer everyOperation() {
    return (operation, method) -> {
      Needs needs = method.getMethodAnnotation(Needs.class);
      if (needs != null) {
        String right = "Needs the right " + needs.value() + ".";
        String more = operation.getDescription();
        operation.setDescription(more == null ? right : more + " " + right);
      }
      String of = method.getBeanType().getSimpleName().replaceFirst("Api$", "");
      String what = method.getMethod().getName();
      operation.setOperationId(
          what + (what.toLowerCase(Locale.ROOT).equals(of.toLowerCase(Locale.ROOT)) ? "" : of));
      return operation;
    };
  }

  @Bean
  OpenApiCustomizer wholeDescription() {
    return this::complete;
  }

  private void complete(OpenAPI api) {
    api.setInfo(
        new Info()
            .title("PMS Link")
            .version("v1")
            .description(
                "Patients of a practice's PMS, members, and which of them are one person."));
    api.setServers(List.of(new Server().url("/")));
    api.getComponents()
        .addSecuritySchemes(
            BEARER,
            new SecurityScheme()
                .type(SecurityScheme.Type.HTTP)
                .scheme(BEARER)
                .description("A token of the practice, in a role that allows it"));
    api.setSecurity(List.of(new SecurityRequirement().addList(BEARER)));
    api.getComponents().addSchemas("Problem", problem());
    ERRORS.forEach(
        (status, words) -> {
          ApiResponse error =
              new ApiResponse()
                  .description(words)
                  .content(
                      new Content()
                          .addMediaType(
                              Problem.MEDIA_TYPE,
                              new MediaType().schema(new Schema<>().$ref(PROBLEM))));
          if (status.equals("429")) {
            error.addHeaderObject("Retry-After", header("Seconds to wait"));
          }
          api.getComponents().addResponses(ERROR + status, error);
        });
    api.getPaths()
        .forEach(
            (path, item) ->
                item.readOperationsMap()
                    .forEach((method, operation) -> complete(path, method, operation)));
    api.getComponents().getSchemas().values().forEach(Description::labels);
    api.getComponents().getSchemas().forEach(Description::required);
  }

  private static Schema<?> problem() {
    Schema<Object> alike = new Schema<>();
    alike.type("object").addProperty("patient", new Schema<>().type("integer").format("int64"));
    alike.addProperty("grade", new StringSchema());
    Schema<Object> problem = new Schema<>();
    problem
        .type("object")
        .description("What is wrong with a request, after RFC 9457")
        .addProperty("type", new StringSchema())
        .addProperty("title", new StringSchema())
        .addProperty("status", new Schema<>().type("integer").format("int32"))
        .addProperty(
            "detail", new StringSchema().description("In words, without anything that was sent"))
        .addProperty(
            "candidates",
            new Schema<>()
                .type("array")
                .items(alike)
                .description("Charts that somebody may be who was to become a member"))
        .addProperty(
            "members",
            new Schema<>()
                .type("array")
                .items(new StringSchema())
                .description("Numbers of members whom they may be"));
    problem.setRequired(List.of("type", "title", "status", "detail"));
    return problem;
  }

  private static void complete(String path, PathItem.HttpMethod method, Operation operation) {
    List<Parameter> parameters =
        new ArrayList<>(operation.getParameters() == null ? List.of() : operation.getParameters());
    if (parameters.stream().noneMatch(p -> p.getName().equals("practice"))) {
      parameters.add(
          0, new Parameter().name("practice").in("path").required(true).schema(new StringSchema()));
    }
    boolean body = operation.getRequestBody() != null;
    ApiResponses answers = operation.getResponses();
    boolean creates = answers.containsKey("201");
    boolean changes =
        method == PathItem.HttpMethod.PATCH
            || method == PathItem.HttpMethod.PUT
            || (method == PathItem.HttpMethod.DELETE && !path.endsWith("/not-same"))
            || path.endsWith("/retire")
            || path.endsWith("/take-apart")
            || (path.endsWith("/merges") && creates);
    if (changes) {
      parameters.add(
          header("If-Match", true, "ETag of what was seen; what was changed since stays"));
    }
    if (creates) {
      parameters.add(
          header(
              "Idempotency-Key",
              false,
              "Names this request for a day: sent again, it is answered again and makes nothing"));
    }
    for (Parameter parameter : parameters) {
      if (parameter.getDescription() == null) {
        parameter.setDescription(PARAMETERS.get(parameter.getName()));
      }
      if (parameter.getSchema() != null) {
        labels(parameter.getSchema());
      }
    }
    operation.setParameters(parameters);
    boolean tagged = method == PathItem.HttpMethod.GET && path.endsWith("}");
    answers.forEach(
        (status, answer) -> {
          if (tagged || creates) {
            answer.addHeaderObject("ETag", header("The state of it"));
          }
          if (creates) {
            answer.addHeaderObject("Location", header("Where it is"));
          }
          answer.addHeaderObject("RateLimit", header("Calls that are left, and until when"));
        });
    ERRORS.forEach(
        (status, words) -> {
          boolean apt =
              switch (status) {
                case "409", "413", "415", "422" -> body || changes;
                case "412", "428" -> changes;
                default -> true;
              };
          if (apt) {
            answers.addApiResponse(status, new ApiResponse().$ref(ERROR + status));
          }
        });
  }

  private static Parameter header(String name, boolean required, String words) {
    return new Parameter()
        .in("header")
        .name(name)
        .required(required)
        .description(words)
        .schema(new StringSchema());
  }

  private static Header header(String words) {
    return new Header().description(words).schema(new StringSchema());
  }

  /** What is always there, and has to be sent: what is not marked as nullable. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  private static void required(String name, Schema schema) {
    Class<?> type = CALLED.get(name);
    if (type == null && name.startsWith(Page.class.getSimpleName())) {
      type = Page.class;
    }
    if (type == null || !type.isRecord() || schema.getProperties() == null) {
      return;
    }
    for (RecordComponent part : type.getRecordComponents()) {
      String property =
          PropertyNamingStrategies.SnakeCaseStrategy.INSTANCE.translate(part.getName());
      if (!part.getAnnotatedType().isAnnotationPresent(Nullable.class)
          && schema.getProperties().containsKey(property)) {
        schema.addRequiredItem(property);
      }
    }
  }

  /** Words for one of several, as {@link ApiJson} writes them. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  private static void labels(Schema schema) {
    if (schema.getEnum() != null) {
      schema.setEnum(
          ((List<Object>) schema.getEnum())
              .stream().map(v -> v.toString().toLowerCase(Locale.ROOT).replace('_', '-')).toList());
    }
    if (schema.getDefault() instanceof String word && schema.getEnum() != null) {
      schema.setDefault(word.toLowerCase(Locale.ROOT));
    }
    if (schema.getItems() != null) {
      labels(schema.getItems());
    }
    if (schema.getProperties() != null) {
      ((Map<String, Schema>) schema.getProperties()).values().forEach(Description::labels);
    }
  }
}
