// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Scheduler;
import io.freshet.objectstore.driver.StoreDriver;
import io.freshet.objectstore.file.FileDriver;
import io.freshet.objectstore.file.FileSettings;
import io.freshet.objectstore.memory.MemoryDriver;
import io.freshet.objectstore.metrics.MeteredDriver;
import io.freshet.objectstore.metrics.RequestMeter;
import io.freshet.objectstore.retry.Retries;
import io.freshet.objectstore.retry.RetryPolicy;
import io.freshet.objectstore.retry.RetryingObjectStore;
import io.freshet.objectstore.s3.S3Driver;
import io.freshet.objectstore.s3.S3Settings;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The one entrance to object stores. A store is named by a URI:
 *
 * <ul>
 *   <li>{@code file:///path} or {@code file://relative/path}, with {@code threads} (8), {@code readThreads} (one per processor, 2 to 4) and
 *       {@code openFiles} (256);
 *   <li>{@code s3://bucket}, with {@code endpoint} (AWS), {@code region} (SDK's chain; us-east-1 with an endpoint),
 *       {@code pathStyle} (false), {@code prefix} (none), {@code checksum} (when_required or when_supported),
 *       {@code maxConcurrency} (64 connections for reads and as many for all else), {@code attemptTimeoutMs} (10000, besides a second for every MiB),
 *       {@code partSizeMiB} (64; bodies above two parts go up in parts) and {@code partConcurrency} (4). Credentials
 *       come from the SDK's default chain, never from the URI;
 *   <li>{@code memory:name}, empty each time it is opened.
 * </ul>
 *
 * <p>All take {@code maxAttempts} (6): tries of a request that fails with a retriable kind.
 */
public final class ObjectStores {
    private static final Set<String> COMMON_PARAMETERS = Set.of("maxAttempts");
    private static final Set<String> FILE_PARAMETERS = Set.of("threads", "readThreads", "openFiles");
    private static final Set<String> S3_PARAMETERS = Set.of(
            "endpoint",
            "region",
            "pathStyle",
            "prefix",
            "checksum",
            "maxConcurrency",
            "attemptTimeoutMs",
            "partSizeMiB",
            "partConcurrency");

    private ObjectStores() {}

    /**
     * Opens the store that {@code uri} names; INVALID if it is malformed. A file store makes its directory; an S3 store
     * sends nothing yet: prove it with {@link StoreProbe}. The caller closes the store before the scheduler.
     */
    public static ObjectStore open(
            String uri, MeterRegistry meters, Clock clock, Scheduler scheduler, Randomness randomness) {
        StoreUri parsed = StoreUri.parse(uri);
        RequestMeter meter = new RequestMeter(meters, clock);
        RetryPolicy policy = policyOf(parsed);
        Retries retries = new Retries(policy, scheduler, randomness, meter);
        StoreDriver driver = switch (parsed.scheme()) {
            case "file" -> FileDriver.open(fileSettings(parsed), clock);
            case "s3" -> S3Driver.open(s3Settings(parsed), retries, meter);
            default -> new MemoryDriver(memoryName(parsed), clock);
        };
        return new RetryingObjectStore(new MeteredDriver(driver, meter), retries, randomness);
    }

    /** A store over a driver made by the caller, for tests and simulation: metered, retried, settled like any other. */
    public static ObjectStore over(
            StoreDriver ownedDriver,
            RetryPolicy policy,
            MeterRegistry meters,
            Clock clock,
            Scheduler scheduler,
            Randomness randomness) {
        RequestMeter meter = new RequestMeter(meters, clock);
        Retries retries = new Retries(policy, scheduler, randomness, meter);
        return new RetryingObjectStore(new MeteredDriver(ownedDriver, meter), retries, randomness);
    }

    private static RetryPolicy policyOf(StoreUri uri) {
        RetryPolicy standard = RetryPolicy.STANDARD;
        int attempts = uri.number("maxAttempts", standard.maxAttempts(), 1, 100);
        return new RetryPolicy(attempts, standard.firstDelayMs(), standard.maxDelayMs());
    }

    static FileSettings fileSettings(StoreUri uri) {
        uri.requireOnly(with(FILE_PARAMETERS));
        if (uri.target().isEmpty()) {
            throw StoreUri.invalid(
                    "Object store URI names no directory; give file:///absolute/path or file://relative");
        }
        return new FileSettings(
                Path.of(uri.target()),
                uri.number("threads", 8, 1, 256),
                uri.number("readThreads", readThreads(), 1, 256),
                uri.number("openFiles", 256, 1, 100_000));
    }

    /** Reads verify what they bring: more threads than processors would take turns with the rest of the process. */
    private static int readThreads() {
        return Math.max(2, Math.min(4, Runtime.getRuntime().availableProcessors()));
    }

    static S3Settings s3Settings(StoreUri uri) {
        if (uri.target().indexOf('@') >= 0) {
            throw StoreUri.invalid("Object store URI holds an '@' before its parameters; credentials never stand in the"
                    + " URI: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role");
        }
        uri.requireOnly(with(S3_PARAMETERS));
        String target = uri.target();
        String bucket = target.endsWith("/") ? target.substring(0, target.length() - 1) : target;
        if (!bucket.matches("[A-Za-z0-9._-]{1,255}")) {
            throw StoreUri.invalid("Object store URI names the bucket '" + bucket
                    + "'; give s3://bucket?…, and a path inside the bucket as prefix=…");
        }
        return new S3Settings(
                bucket,
                uri.text("prefix").map(ObjectStores::keyPrefix).orElse(""),
                uri.endpoint("endpoint").orElse((URI) null),
                uri.text("region").orElse((String) null),
                uri.flag("pathStyle", false),
                "when_supported"
                        .equals(uri.choice("checksum", "when_required", List.of("when_required", "when_supported"))),
                uri.number("maxConcurrency", 64, 1, 10_000),
                uri.number("attemptTimeoutMs", 10_000, 100, 600_000),
                (long) uri.number("partSizeMiB", 64, 5, 1024) << 20,
                uri.number("partConcurrency", 4, 1, 64));
    }

    private static String keyPrefix(String prefix) {
        String bare = prefix.endsWith("/") ? prefix.substring(0, prefix.length() - 1) : prefix;
        StoreArguments.requireKey(bare);
        return bare + '/';
    }

    private static String memoryName(StoreUri uri) {
        uri.requireOnly(with(Set.of()));
        return uri.target();
    }

    private static Set<String> with(Set<String> own) {
        Set<String> all = new TreeSet<>(own);
        all.addAll(COMMON_PARAMETERS);
        return all;
    }
}
