// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.common.protocol.ApiKeys;

/** The {@code freshet.network.*} metrics. Safe for use by many threads. */
final class NetworkMetrics {
    /** Bounds of histograms: {@code LEAST_BOUND_MS} times powers of the root of two, up to 16 s. */
    private static final int BOUNDS = 32;

    private static final double LEAST_BOUND_MS = 0.35;

    private final MeterRegistry meters;
    private final Map<ApiKeys, Timer> requests = new ConcurrentHashMap<>();
    private final Map<String, Counter> errors = new ConcurrentHashMap<>();
    private final Counter bytesIn;
    private final Counter bytesOut;
    private final Timer produces;
    private final Timer loopDelays;

    NetworkMetrics(MeterRegistry meters, ConnectionCounts connections, RequestMemory memory) {
        this.meters = meters;
        this.bytesIn = Counter.builder("freshet.network.bytes.in")
                .baseUnit("bytes")
                .description("Request bytes received, with length prefixes")
                .register(meters);
        this.bytesOut = Counter.builder("freshet.network.bytes.out")
                .baseUnit("bytes")
                .description("Response bytes written")
                .register(meters);
        this.produces = histogram(
                "freshet.network.produce", "Produce requests, from the complete frame to the written response");
        this.loopDelays =
                histogram("freshet.network.loop.delay", "How late the event loops come to tasks that are due");
        Gauge.builder("freshet.network.connections", connections, ConnectionCounts::open)
                .description("Open connections")
                .register(meters);
        Gauge.builder("freshet.network.request.memory", memory, RequestMemory::usedBytes)
                .baseUnit("bytes")
                .description("Bytes of requests being read or not answered yet")
                .register(meters);
        Gauge.builder("freshet.network.request.memory.waiting", memory, RequestMemory::waitingCount)
                .description("Connections that wait for request memory")
                .register(meters);
    }

    private Timer histogram(String name, String description) {
        return Timer.builder(name)
                .description(description)
                .serviceLevelObjectives(bounds())
                .register(meters);
    }

    private static Duration[] bounds() {
        return IntStream.range(0, BOUNDS)
                .mapToObj(i -> Duration.ofNanos((long) (LEAST_BOUND_MS * 1e6 * Math.pow(2, i / 2.0))))
                .toArray(Duration[]::new);
    }

    /** A request was answered {@code nanos} after its frame was complete. */
    void answered(ApiKeys api, long nanos) {
        requests(api).record(nanos, TimeUnit.NANOSECONDS);
        if (api == ApiKeys.PRODUCE) {
            produces.record(nanos, TimeUnit.NANOSECONDS);
        }
    }

    /** An event loop came {@code nanos} too late to what was due. */
    void loopDelayed(long nanos) {
        loopDelays.record(nanos, TimeUnit.NANOSECONDS);
    }

    private Timer requests(ApiKeys api) {
        return requests.computeIfAbsent(
                api,
                key -> Timer.builder("freshet.network.requests")
                        .tag("api", key.name)
                        .description("From the complete frame to the written response")
                        .register(meters));
    }

    void received(int frameBytes) {
        bytesIn.increment(frameBytes + (double) Integer.BYTES);
    }

    void sent(long bytes) {
        bytesOut.increment(bytes);
    }

    /** Counts a connection that ended, or a request that failed, for {@code reason}, a word from a small fixed set. */
    void error(String reason) {
        errors.computeIfAbsent(
                        reason,
                        key -> Counter.builder("freshet.network.errors")
                                .tag("reason", key)
                                .description("Refused or broken connections and failed requests")
                                .register(meters))
                .increment();
    }
}
