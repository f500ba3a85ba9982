// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.metrics;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Counts requests by operation: {@code freshet.objectstore.requests{op,outcome}} (outcome: {@code ok} or the error's
 * kind), {@code freshet.objectstore.bytes{op}} of successful requests, {@code freshet.objectstore.latency{op}} of all
 * requests and {@code freshet.objectstore.retries{op}}. A request is one try, as a store bills it. Safe for use by many
 * threads.
 */
public final class RequestMeter {
    private final MeterRegistry registry;
    private final Clock clock;
    private final ConcurrentHashMap<String, Counter> requests = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<String, Counter> bytes = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<String, Counter> retries = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<String, Timer> latencies = new ConcurrentHashMap<>();

    public RequestMeter(MeterRegistry registry, Clock clock) {
        this.registry = registry;
        this.clock = clock;
    }

    /** Runs {@code request} and counts it when it completes; {@code sizeBytes} counts only if it succeeds. */
    public <T> CompletableFuture<T> measure(String op, long sizeBytes, Supplier<CompletableFuture<T>> request) {
        long startNanos = clock.nanoTime();
        return request.get().whenComplete((result, error) -> {
            latency(op).record(clock.nanoTime() - startNanos, TimeUnit.NANOSECONDS);
            if (error == null) {
                requests(op, "ok").increment();
                bytes(op).increment(sizeBytes);
            } else {
                String kind = FreshetException.of(error).kind().name();
                requests(op, kind.toLowerCase(Locale.ROOT)).increment();
            }
        });
    }

    /** Counts one repetition of {@code op}. */
    public void countRetry(String op) {
        retries.computeIfAbsent(
                        op,
                        o -> Counter.builder("freshet.objectstore.retries")
                                .description("Repeated requests to the object store")
                                .tag("op", o)
                                .register(registry))
                .increment();
    }

    private Counter requests(String op, String outcome) {
        return requests.computeIfAbsent(
                op + '/' + outcome,
                k -> Counter.builder("freshet.objectstore.requests")
                        .description("Requests to the object store")
                        .tag("op", op)
                        .tag("outcome", outcome)
                        .register(registry));
    }

    private Counter bytes(String op) {
        return bytes.computeIfAbsent(
                op,
                o -> Counter.builder("freshet.objectstore.bytes")
                        .description("Bytes of successful requests to the object store")
                        .baseUnit("bytes")
                        .tag("op", o)
                        .register(registry));
    }

    private Timer latency(String op) {
        return latencies.computeIfAbsent(
                op,
                o -> Timer.builder("freshet.objectstore.latency")
                        .description("Time from a request to the object store to its answer")
                        .tag("op", o)
                        .register(registry));
    }
}
