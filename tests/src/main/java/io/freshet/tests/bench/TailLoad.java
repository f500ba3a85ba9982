// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SynchronizedHistogram;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A producer at a fixed rate and a consumer at the tail, running until closed. Latencies are counted from the moment at
 * which a record was due, so that a stalled producer does not hide what it waited for, and belong to the phase of that
 * moment.
 */
final class TailLoad implements AutoCloseable {
    private static final int RECORD_BYTES = 1024;
    private static final long MAX_MICROS = 60_000_000L;

    private final String bootstrap;
    private final String topic;
    private final int partitions;
    private final int recordsPerSecond;
    private final int lingerMs;
    private final CountDownLatch positioned = new CountDownLatch(1);
    private final AtomicReference<Exception> failure = new AtomicReference<>();
    private final Thread writer = new Thread(this::write, "tail-writer");
    private final Thread reader = new Thread(this::read, "tail-reader");
    private volatile Phase phase = new Phase();
    private volatile boolean ended;

    /** Starts at once. */
    TailLoad(String bootstrap, String topic, int partitions, int recordsPerSecond, int lingerMs) {
        this.bootstrap = bootstrap;
        this.topic = topic;
        this.partitions = partitions;
        this.recordsPerSecond = recordsPerSecond;
        this.lingerMs = lingerMs;
        reader.start();
        writer.start();
    }

    private static final class Phase {
        private final Histogram ack = new SynchronizedHistogram(MAX_MICROS, 3);
        private final Histogram endToEnd = new SynchronizedHistogram(MAX_MICROS, 3);
        private final long beginNanos = System.nanoTime();
    }

    /** p50, p99 and p99.9 in ms. */
    record Latencies(double[] ackMs, double[] endToEndMs) {}

    void beginPhase() {
        phase = new Phase();
    }

    /** Ends the phase; records still on their way are not counted. */
    Latencies endPhase() {
        Phase done = phase;
        phase = new Phase();
        if (failure.get() != null) {
            throw new IllegalStateException("The steady load failed", failure.get());
        }
        return new Latencies(percentiles(done.ack), percentiles(done.endToEnd));
    }

    private static double[] percentiles(Histogram micros) {
        return new double[] {
            micros.getValueAtPercentile(50) / 1000.0,
            micros.getValueAtPercentile(99) / 1000.0,
            micros.getValueAtPercentile(99.9) / 1000.0
        };
    }

    private static void count(Phase into, boolean isEndToEnd, long dueNanos) {
        if (dueNanos >= into.beginNanos) {
            long micros = Math.max(0, Math.min(MAX_MICROS, (System.nanoTime() - dueNanos) / 1000));
            (isEndToEnd ? into.endToEnd : into.ack).recordValue(micros);
        }
    }

    private void write() {
        Map<String, Object> settings =
                Map.of("bootstrap.servers", bootstrap, "acks", "all", "linger.ms", Integer.toString(lingerMs));
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            positioned.await();
            byte[] template = new byte[RECORD_BYTES];
            new Random(7).nextBytes(template);
            long begin = System.nanoTime();
            for (long i = 0; !ended; i++) {
                long due = begin + i * 1_000_000_000L / recordsPerSecond;
                long wait = due - System.nanoTime();
                if (wait > 100_000) {
                    LockSupport.parkNanos(wait);
                }
                byte[] payload = template.clone();
                ByteBuffer.wrap(payload).putLong(due);
                producer.send(new ProducerRecord<>(topic, (int) (i % partitions), null, payload), (sent, error) -> {
                    if (error == null) {
                        count(phase, false, due);
                    } else {
                        failure.set(error);
                    }
                });
            }
        } catch (RuntimeException | InterruptedException e) {
            failure.set(e);
        }
    }

    private void read() {
        Map<String, Object> settings =
                Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", "false", "max.poll.records", "10000");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> sources = IntStream.range(0, partitions)
                    .mapToObj(i -> new TopicPartition(topic, i))
                    .toList();
            consumer.assign(sources);
            consumer.seekToEnd(sources);
            sources.forEach(consumer::position);
            positioned.countDown();
            while (!ended) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    count(phase, true, ByteBuffer.wrap(record.value()).getLong());
                }
            }
        } catch (RuntimeException e) {
            failure.set(e);
            positioned.countDown();
        }
    }

    @Override
    public void close() {
        ended = true;
        try {
            writer.join();
            reader.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
