# "mvn package" first; this only puts together what it made.
FROM eclipse-temurin:17-jre

RUN groupadd --system --gid 10001 pmslink \
 && useradd --system --uid 10001 --gid pmslink --home-dir /opt/pms-link pmslink \
 && mkdir -p /var/lib/pms-link \
 && chown pmslink:pmslink /var/lib/pms-link

WORKDIR /opt/pms-link
COPY target/pms-link.jar ./
COPY routes ./routes
COPY mappings ./mappings

USER pmslink
ENV PMSLINK_DATA_FOLDER=/var/lib/pms-link
VOLUME /var/lib/pms-link
EXPOSE 8080

# An engine out of memory must be started anew, not limp on.
ENTRYPOINT ["java", "-XX:+UseParallelGC", "-XX:MaxRAMPercentage=70", "-XX:+ExitOnOutOfMemoryError", "-jar", "pms-link.jar"]
CMD ["serve"]
