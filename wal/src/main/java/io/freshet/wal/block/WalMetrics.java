// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/** The {@code freshet.wal.*} meters of one lane; taken out of the registry on close. */
final class WalMetrics implements AutoCloseable {
    private static final String LANE = "lane";

    private final MeterRegistry meters;
    private final List<Meter> registered = new ArrayList<>();
    private final Timer writeTimer;
    private final DistributionSummary groupBytes;
    private final Counter records;
    private final Counter payloadBytes;

    WalMetrics(MeterRegistry meters) {
        this.meters = meters;
        writeTimer = Timer.builder("freshet.wal.write")
                .description("Time to make one group durable")
                .tag(LANE, "block")
                .publishPercentileHistogram()
                .register(meters);
        groupBytes = DistributionSummary.builder("freshet.wal.group")
                .description("Bytes written per group, headers and padding included")
                .baseUnit("bytes")
                .tag(LANE, "block")
                .register(meters);
        records = Counter.builder("freshet.wal.records")
                .description("Records made durable")
                .tag(LANE, "block")
                .register(meters);
        payloadBytes = Counter.builder("freshet.wal.payload")
                .description("Payload bytes made durable")
                .baseUnit("bytes")
                .tag(LANE, "block")
                .register(meters);
        registered.addAll(List.of(writeTimer, groupBytes, records, payloadBytes));
    }

    <T> void gauge(String name, String description, String io, T source, ToDoubleFunction<T> value) {
        registered.add(Gauge.builder(name, source, value)
                .description(description)
                .tags(LANE, "block", "io", io)
                .register(meters));
    }

    void written(long nanos, long groupSizeBytes, int recordCount, long payloadSizeBytes) {
        writeTimer.record(nanos, TimeUnit.NANOSECONDS);
        groupBytes.record(groupSizeBytes);
        records.increment(recordCount);
        payloadBytes.increment(payloadSizeBytes);
    }

    @Override
    public void close() {
        registered.forEach(meters::remove);
    }
}
