// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SynchronizedHistogram;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Writes a record of 1 KiB to each partition of a topic at a steady pace, at most one at a time, for a second at most and never again, and
 * keeps when each partition has acknowledged something sent after a mark. One thread, and the producer's for its answers.
 */
public final class WriteClock implements AutoCloseable {
    private static final int RECORD_BYTES = 1024;
    private static final long MAX_MICROS = 60_000_000L;
    private static final long TIMEOUT_MS = TimeUnit.MINUTES.toMillis(5);

    private final String topic;
    private final int partitions;
    private final Duration interval;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Set<Integer> underWay = ConcurrentHashMap.newKeySet();
    private final AtomicLongArray firstNanos;
    private final Thread thread = new Thread(this::run, "write-clock");
    private volatile Histogram latencies = new SynchronizedHistogram(MAX_MICROS, 3);
    private volatile long markNanos = System.nanoTime();
    private volatile boolean isClosed;

    /** Starts at once. {@code interval}: between two records for one partition. */
    public WriteClock(String bootstrap, String topic, int partitions, Duration interval) {
        this.topic = topic;
        this.partitions = partitions;
        this.interval = interval;
        this.firstNanos = new AtomicLongArray(partitions);
        this.producer = new KafkaProducer<>(
                Map.ofEntries(
                        Map.entry("bootstrap.servers", bootstrap),
                        Map.entry("acks", "all"),
                        Map.entry("enable.idempotence", "false"),
                        Map.entry("retries", "0"),
                        Map.entry("linger.ms", "0"),
                        Map.entry("request.timeout.ms", "1000"),
                        Map.entry("delivery.timeout.ms", "1000"),
                        Map.entry("max.block.ms", "5000"),
                        Map.entry("retry.backoff.ms", "20"),
                        Map.entry("retry.backoff.max.ms", "50"),
                        Map.entry("reconnect.backoff.ms", "20"),
                        Map.entry("reconnect.backoff.max.ms", "100"),
                        Map.entry("max.in.flight.requests.per.connection", "100")),
                new ByteArraySerializer(),
                new ByteArraySerializer());
        thread.start();
    }

    /** Forgets what was seen; only what is sent from now on counts. Returns now in the terms of {@link System#nanoTime}. */
    public long mark() {
        long nowNanos = System.nanoTime();
        for (int i = 0; i < partitions; i++) {
            firstNanos.set(i, 0);
        }
        latencies = new SynchronizedHistogram(MAX_MICROS, 3);
        markNanos = nowNanos;
        return nowNanos;
    }

    /** Waits until each partition has acknowledged something since the mark; an IllegalStateException after five minutes. */
    public void awaitAll() throws InterruptedException {
        long deadlineNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(TIMEOUT_MS);
        for (int i = 0; i < partitions; i++) {
            while (firstNanos.get(i) == 0) {
                if (System.nanoTime() > deadlineNanos) {
                    throw new IllegalStateException(
                            topic + "-" + i + " has acknowledged nothing for " + TIMEOUT_MS + " ms");
                }
                TimeUnit.MILLISECONDS.sleep(5);
            }
        }
    }

    /** Milliseconds from the mark to the partition's first acknowledgement since. */
    public long firstMs(int partition) {
        return (firstNanos.get(partition) - markNanos) / 1_000_000;
    }

    /** Of acknowledged records since the mark, in ms; {@code percent} 100: the longest. */
    public double latencyMs(double percent) {
        return latencies.getValueAtPercentile(percent) / 1000.0;
    }

    private void run() {
        long dueNanos = System.nanoTime();
        while (!isClosed) {
            for (int partition = 0; partition < partitions; partition++) {
                if (underWay.add(partition)) {
                    send(partition);
                }
            }
            dueNanos = Math.max(dueNanos + interval.toNanos(), System.nanoTime());
            while (System.nanoTime() < dueNanos) {
                LockSupport.parkNanos(dueNanos - System.nanoTime());
            }
        }
    }

    private void send(int partition) {
        long sentNanos = System.nanoTime();
        try {
            producer.send(
                    new ProducerRecord<>(topic, partition, null, new byte[RECORD_BYTES]),
                    (metadata, error) -> answered(partition, sentNanos, error));
        } catch (KafkaException e) {
            answered(partition, sentNanos, e);
        }
    }

    private void answered(int partition, long sentNanos, @Nullable Exception error) {
        if (error == null && sentNanos - markNanos >= 0) {
            long nowNanos = System.nanoTime();
            firstNanos.compareAndSet(partition, 0, nowNanos);
            latencies.recordValue(Math.min((nowNanos - sentNanos) / 1000, MAX_MICROS));
        }
        underWay.remove(partition);
    }

    @Override
    public void close() {
        isClosed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        producer.close(Duration.ZERO);
    }
}
