// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;

/**
 * Asks each of some partitions of one topic many times a second whether it takes a write, one record at a time and without repeats, so
 * that a server's unavailability is seen without the pauses of patient clients. One thread.
 */
final class WriteProbe implements AutoCloseable {
    private static final long PAUSE_NANOS = Duration.ofMillis(25).toNanos();

    private final List<TopicPartition> partitions;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Set<Integer> underWay = ConcurrentHashMap.newKeySet();
    private final FirstAcknowledgements seen;
    private final AtomicLong acknowledged = new AtomicLong();
    private final Set<String> refusals = new ConcurrentSkipListSet<>();
    private final Set<String> finalErrors = new ConcurrentSkipListSet<>();
    private final Thread thread;
    private volatile long markNanos = System.nanoTime();
    private volatile boolean isClosed;

    private WriteProbe(Clients clients, List<TopicPartition> partitions) {
        this.partitions = List.copyOf(partitions);
        this.seen = new FirstAcknowledgements(
                partitions.stream().mapToInt(TopicPartition::partition).max().orElse(0) + 1);
        this.producer = clients.producer(Map.ofEntries(
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
                Map.entry("socket.connection.setup.timeout.ms", "1000"),
                Map.entry("socket.connection.setup.timeout.max.ms", "1000"),
                Map.entry("max.in.flight.requests.per.connection", "100")));
        this.thread = new Thread(this::run, "write-probe");
    }

    /** Begins. */
    static WriteProbe start(Clients clients, List<TopicPartition> partitions) {
        WriteProbe probe = new WriteProbe(clients, partitions);
        probe.thread.start();
        return probe;
    }

    /** Only what is sent from now on counts. */
    long mark() {
        long nowNanos = System.nanoTime();
        markNanos = nowNanos;
        seen.reset();
        return nowNanos;
    }

    /** The numbers of what it asks. */
    List<Integer> partitions() {
        return partitions.stream().map(TopicPartition::partition).toList();
    }

    FirstAcknowledgements acknowledgements() {
        return seen;
    }

    /** Records acknowledged so far. */
    long acknowledged() {
        return acknowledged.get();
    }

    /** Names of the errors that a client may repeat after. */
    Set<String> refusals() {
        return refusals;
    }

    /** Names of the others. */
    Set<String> finalErrors() {
        return finalErrors;
    }

    private void run() {
        while (!isClosed) {
            for (TopicPartition partition : partitions) {
                if (underWay.add(partition.partition())) {
                    send(partition);
                }
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void send(TopicPartition partition) {
        long sentNanos = System.nanoTime();
        byte[] value = DurableWriters.unnamedValue();
        try {
            producer.send(
                    new ProducerRecord<>(partition.topic(), partition.partition(), null, value),
                    (metadata, error) -> answered(partition, sentNanos, error));
        } catch (KafkaException e) {
            answered(partition, sentNanos, e);
        }
    }

    private void answered(TopicPartition partition, long sentNanos, Exception error) {
        if (error == null) {
            acknowledged.incrementAndGet();
            if (sentNanos - markNanos >= 0) {
                seen.acknowledged(partition.partition());
            }
        } else if (error instanceof RetriableException) {
            refusals.add(error.getClass().getSimpleName());
        } else if (!isClosed) {
            finalErrors.add(error.toString());
        }
        underWay.remove(partition.partition());
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
