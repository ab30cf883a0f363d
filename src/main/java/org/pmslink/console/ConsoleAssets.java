package org.pmslink.console;

import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.CacheControl;
import org.springframework.web.servlet.config.annotation.ResourceHandlerRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.resource.LiteWebJarsResourceResolver;

/** Styles and scripts, from the libraries that brought them and from here. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnWebApplication
class ConsoleAssets implements WebMvcConfigurer {
  @Override
  public void addResourceHandlers(ResourceHandlerRegistry registry) {
    registry
        .addResourceHandler("/assets/lib/**")
        .addResourceLocations("classpath:/META-INF/resources/webjars/")
        .setCacheControl(CacheControl.noCache())
        .resourceChain(true)
        .addResolver(new LiteWebJarsResourceResolver());
    registry
        .addResourceHandler("/assets/*")
        .addResourceLocations("classpath:/org/pmslink/console/assets/")
        .setCacheControl(CacheControl.noCache());
  }
}
