// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.workload;

import io.freshet.tests.checker.HistoryWriter;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What all clients of a run share: the cluster, the topic, the history, the next values. Safe for use by many threads. */
final class Board {
    /** Values of one partition never reach into the next one's. */
    private static final int VALUE_BITS = 40;

    private final String bootstrap;
    private final String topic;
    private final int partitions;
    private final HistoryWriter history;
    private final AtomicLongArray nextValue;
    private final AtomicLongArray ends;
    private final AtomicInteger nextProcess = new AtomicInteger();
    private final Map<String, AtomicLong> errors = new ConcurrentHashMap<>();
    private volatile boolean isStopping;

    Board(String bootstrap, String topic, int partitions, HistoryWriter history) {
        this.bootstrap = bootstrap;
        this.topic = topic;
        this.partitions = partitions;
        this.history = history;
        this.nextValue = new AtomicLongArray(partitions);
        this.ends = new AtomicLongArray(partitions);
    }

    String bootstrap() {
        return bootstrap;
    }

    String topic() {
        return topic;
    }

    int partitions() {
        return partitions;
    }

    HistoryWriter history() {
        return history;
    }

    TopicPartition partition(int number) {
        return new TopicPartition(topic, number);
    }

    long newValue(int partition) {
        return ((long) partition << VALUE_BITS) | nextValue.getAndIncrement(partition);
    }

    int newProcess() {
        return nextProcess.getAndIncrement();
    }

    /** Each partition has at least {@code end} records. */
    void acknowledged(int partition, long end) {
        ends.accumulateAndGet(partition, end, Math::max);
    }

    /** One past the highest acknowledged offset. */
    long end(int partition) {
        return ends.get(partition);
    }

    void failed(String who, Throwable error) {
        Throwable cause = error instanceof java.util.concurrent.ExecutionException && error.getCause() != null
                ? error.getCause()
                : error;
        errors.computeIfAbsent(who + ": " + cause.getClass().getSimpleName(), any -> new AtomicLong())
                .incrementAndGet();
    }

    /** Who met which errors how often. */
    Map<String, Long> errors() {
        Map<String, Long> counts = new TreeMap<>();
        errors.forEach((what, count) -> counts.put(what, count.get()));
        return counts;
    }

    boolean isStopping() {
        return isStopping;
    }

    void stop() {
        isStopping = true;
    }

    KafkaProducer<byte[], byte[]> producer(Map<String, ?> settings) {
        Map<String, Object> all = new HashMap<>(common());
        all.put("acks", "all");
        all.put("buffer.memory", "8388608");
        all.putAll(settings);
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    KafkaConsumer<byte[], byte[]> consumer(Map<String, ?> settings) {
        Map<String, Object> all = new HashMap<>(common());
        all.put("auto.offset.reset", "earliest");
        all.put("enable.auto.commit", "false");
        all.put("request.timeout.ms", "5000");
        all.put("default.api.timeout.ms", "10000");
        all.put("fetch.max.wait.ms", "200");
        all.putAll(settings);
        return new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private Map<String, Object> common() {
        return Map.of(
                "bootstrap.servers",
                bootstrap,
                "reconnect.backoff.ms",
                "20",
                "reconnect.backoff.max.ms",
                "200",
                "metadata.max.age.ms",
                "10000");
    }
}
