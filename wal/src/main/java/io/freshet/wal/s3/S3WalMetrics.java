// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

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

/** The {@code freshet.wal.s3.*} meters of one lane; taken out of the registry on close. */
final class S3WalMetrics implements AutoCloseable {
    private final MeterRegistry meters;
    private final List<Meter> registered = new ArrayList<>();
    private final Counter puts;
    private final Counter bytes;
    private final Counter hedges;
    private final Counter retries;
    private final Counter readBacks;
    private final Counter records;
    private final DistributionSummary slotBytes;
    private final Timer putTime;
    private final Timer age;
    private final Timer latency;

    S3WalMetrics(MeterRegistry meters) {
        this.meters = meters;
        puts = counter("freshet.wal.s3.puts", "Puts of slots, hedges and repetitions included");
        bytes = counter("freshet.wal.s3.bytes", "Bytes of slots made durable");
        hedges = counter("freshet.wal.s3.hedges", "Puts repeated because the first one was slow");
        retries = counter("freshet.wal.s3.retries", "Puts repeated because the former ones failed");
        readBacks = counter("freshet.wal.s3.readbacks", "Slots read back to find out whose they are");
        records = counter("freshet.wal.s3.records", "Entries made durable");
        slotBytes = DistributionSummary.builder("freshet.wal.s3.slot")
                .description("Bytes of one slot")
                .baseUnit("bytes")
                .register(meters);
        putTime = timer("freshet.wal.s3.put", "Time of one successful put");
        age = timer("freshet.wal.s3.age", "Age of a batch when it was closed");
        latency = timer("freshet.wal.s3.latency", "Time from a batch's first entry to its acknowledgement");
        registered.addAll(List.of(puts, bytes, hedges, retries, readBacks, records, slotBytes, putTime, age, latency));
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).register(meters);
    }

    private Timer timer(String name, String description) {
        return Timer.builder(name)
                .description(description)
                .publishPercentileHistogram()
                .register(meters);
    }

    <T> void gauge(String name, String description, T source, ToDoubleFunction<T> value) {
        registered.add(
                Gauge.builder(name, source, value).description(description).register(meters));
    }

    void put() {
        puts.increment();
    }

    void hedged() {
        hedges.increment();
    }

    void retried() {
        retries.increment();
    }

    void readBack() {
        readBacks.increment();
    }

    void putTook(long nanos) {
        putTime.record(nanos, TimeUnit.NANOSECONDS);
    }

    void closed(long ageNs) {
        age.record(ageNs, TimeUnit.NANOSECONDS);
    }

    void durable(long latencyNs, long sizeBytes, int recordCount) {
        latency.record(latencyNs, TimeUnit.NANOSECONDS);
        bytes.increment(sizeBytes);
        slotBytes.record(sizeBytes);
        records.increment(recordCount);
    }

    @Override
    public void close() {
        registered.forEach(meters::remove);
    }
}
