// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * An idempotent producer that numbers what it sends to each partition, and a consumer in a group that must see every number
 * once and in order. Used by one thread; the consumer has one of its own.
 */
final class MovedTraffic implements AutoCloseable {
    private static final long PAUSE_NS = 2_000_000;
    private static final long COMMIT_EVERY = 20;

    private final String topic;
    private final int partitions;
    private final KafkaProducer<String, String> producer;
    private final KafkaConsumer<String, String> consumer;
    private final Queue<String> problems = new ConcurrentLinkedQueue<>();
    private final Queue<Long> latenciesNs = new ConcurrentLinkedQueue<>();
    private final AtomicLong acknowledged = new AtomicLong();
    private final AtomicLong consumed = new AtomicLong();
    private final long[] nextToSend;
    private final long[] nextToSee;
    private final Thread consuming;
    private volatile boolean isOver;
    private long sent;

    MovedTraffic(String bootstrap, String topic, int partitions) {
        this.topic = topic;
        this.partitions = partitions;
        this.nextToSend = new long[partitions];
        this.nextToSee = new long[partitions];
        this.producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrap), new StringSerializer(), new StringSerializer());
        this.consumer = new KafkaConsumer<>(
                Map.of(
                        "bootstrap.servers", bootstrap,
                        "group.id", "watchers",
                        "enable.auto.commit", "false",
                        "auto.offset.reset", "earliest"),
                new StringDeserializer(),
                new StringDeserializer());
        this.consuming = new Thread(this::consume, "consuming");
        consuming.start();
    }

    /** What producers waited. */
    record Latencies(int count, double p50Ms, double p99Ms, double maxMs) {}

    void run(Duration duration) {
        long endNs = System.nanoTime() + duration.toNanos();
        while (System.nanoTime() < endNs) {
            int partition = (int) (sent++ % partitions);
            String value = Long.toString(nextToSend[partition]++);
            long beganNs = System.nanoTime();
            producer.send(new ProducerRecord<>(topic, partition, null, value), (metadata, error) -> {
                latenciesNs.add(System.nanoTime() - beganNs);
                if (error == null) {
                    acknowledged.incrementAndGet();
                } else {
                    problems.add("not sent: " + error);
                }
            });
            LockSupport.parkNanos(PAUSE_NS);
        }
    }

    /** Of the sends that were answered since the last call. */
    Latencies latencies() {
        List<Long> taken = new ArrayList<>();
        for (Long one = latenciesNs.poll(); one != null; one = latenciesNs.poll()) {
            taken.add(one);
        }
        long[] sorted = taken.stream().mapToLong(Long::longValue).sorted().toArray();
        return new Latencies(sorted.length, ms(sorted, 0.5), ms(sorted, 0.99), ms(sorted, 1));
    }

    private static double ms(long[] sorted, double share) {
        return sorted.length == 0
                ? 0
                : Math.round(sorted[(int) Math.min(sorted.length - 1, sorted.length * share)] / 1e4) / 100.0;
    }

    private void consume() {
        try {
            consumer.subscribe(List.of(topic));
            long commitAt = COMMIT_EVERY;
            while (!isOver || consumed.get() < acknowledged.get()) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    see(record);
                }
                if (consumed.get() >= commitAt) {
                    commitAt = consumed.get() + COMMIT_EVERY;
                    consumer.commitSync();
                }
            }
            consumer.commitSync();
        } catch (RuntimeException e) {
            problems.add("the consumer failed: " + e);
        } finally {
            consumer.close();
        }
    }

    private void see(ConsumerRecord<String, String> record) {
        long wanted = nextToSee[record.partition()]++;
        consumed.incrementAndGet();
        if (Long.parseLong(record.value()) != wanted) {
            problems.add("partition " + record.partition() + " offset " + record.offset() + " has " + record.value()
                    + " instead of " + wanted);
        }
    }

    /** Sends no more, and waits until all that was acknowledged is consumed. */
    void finish() throws InterruptedException {
        producer.flush();
        isOver = true;
        consuming.join(30_000);
        if (consuming.isAlive() || acknowledged.get() != sent || consumed.get() != sent) {
            problems.add("sent " + sent + ", acknowledged " + acknowledged + ", consumed " + consumed + " "
                    + Arrays.toString(nextToSee));
        }
    }

    /** What a client should not have seen. */
    List<String> problems() {
        return problems.stream().limit(20).toList();
    }

    @Override
    public void close() {
        isOver = true;
        producer.close(Duration.ofSeconds(5));
        consumer.wakeup();
    }
}
