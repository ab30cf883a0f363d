package org.pmslink.access;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * What callers may do to the engine.
 *
 * @param largestBody of a request
 * @param refusalsPerMinute of one client, after which it is not listened to for the rest of the
 *     minute
 * @param callsPerMinute of one token, to the addresses of practices; more are refused until some of
 *     the minute is over
 * @param wrongPasswordsPerMinute for one name, after which it is not listened to for the rest of
 *     the minute
 * @param idle after which somebody who did nothing signs in again
 * @param longestSession after which people sign in again, however busy they were
 * @param localPasswords whether people may sign in with passwords of ours
 */
@ConfigurationProperties("pmslink.access")
record AccessSettings(
    @DefaultValue("256KB") DataSize largestBody,
    @DefaultValue("20") int refusalsPerMinute,
    @DefaultValue("600") int callsPerMinute,
    @DefaultValue("5") int wrongPasswordsPerMinute,
    @DefaultValue("15m") Duration idle,
    @DefaultValue("12h") Duration longestSession,
    @DefaultValue("true") boolean localPasswords) {}
