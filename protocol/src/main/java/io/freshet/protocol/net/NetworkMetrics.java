// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.protocol.ApiKeys;

/** The {@code freshet.network.*} metrics. Safe for use by many threads. */
final class NetworkMetrics {
    private final MeterRegistry meters;
    private final Map<ApiKeys, Timer> requests = new ConcurrentHashMap<>();
    private final Map<String, Counter> errors = new ConcurrentHashMap<>();
    private final Counter bytesIn;
    private final Counter bytesOut;

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

    Timer requests(ApiKeys api) {
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
