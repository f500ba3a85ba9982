// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.SynchronizedHistogram;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The loads that are put on a server. Each returns figures by name; times in ms, sizes in MiB. */
final class Workloads {
    private static final int RECORD_BYTES = 1024;
    private static final String CPU = "broker CPU s/GiB";
    private static final double MIB = 1 << 20;
    private static final double GIB = 1 << 30;

    private final ServerProcess server;

    Workloads(ServerProcess server) {
        this.server = server;
    }

    /**
     * Creates a topic and appends one record to each partition. Without that, a pipelining idempotent producer may have its
     * first batch refused by a broker that does not know the topic yet and its second one accepted: the first one is then
     * out of sequence for ever (seen with Kafka).
     */
    void createTopic(String topic, int partitions, Map<String, String> configs)
            throws ExecutionException, InterruptedException {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", server.bootstrap()))) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1).configs(configs)))
                    .all()
                    .get();
        }
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
            for (int partition = 0; partition < partitions; partition++) {
                producer.send(new ProducerRecord<>(topic, partition, null, payload()))
                        .get();
            }
        }
    }

    void deleteTopic(String topic) throws ExecutionException, InterruptedException {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", server.bootstrap()))) {
            admin.deleteTopics(List.of(topic)).all().get();
        }
    }

    /** Produces as fast as the client can for {@code duration}, with the producer's {@code settings}: MB/s and broker CPU. */
    Map<String, Double> produceAtFullSpeed(String topic, Duration duration, Map<String, String> settings) {
        double cpuBefore = server.cpuSeconds();
        long begin = System.nanoTime();
        long records = 0;
        AtomicReference<Exception> failure = new AtomicReference<>();
        try (KafkaProducer<byte[], byte[]> producer = producer(settings)) {
            byte[] payload = payload();
            while (System.nanoTime() - begin < duration.toNanos()) {
                for (int i = 0; i < 1000; i++) {
                    producer.send(new ProducerRecord<>(topic, payload), (metadata, error) -> {
                        if (error != null) {
                            failure.set(error);
                        }
                    });
                    records++;
                }
            }
            producer.flush();
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        failOn(failure);
        double bytes = (double) records * RECORD_BYTES;
        return Map.of("MB/s", bytes / MIB / seconds, CPU, (server.cpuSeconds() - cpuBefore) / (bytes / GIB));
    }

    /** Produces {@code bytes} in large batches, for a later read. */
    Map<String, Double> fill(String topic, long bytes) {
        double cpuBefore = server.cpuSeconds();
        long begin = System.nanoTime();
        AtomicReference<Exception> failure = new AtomicReference<>();
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("linger.ms", "10", "batch.size", "262144"))) {
            byte[] payload = payload();
            for (long sent = 0; sent < bytes; sent += RECORD_BYTES) {
                producer.send(new ProducerRecord<>(topic, payload), (metadata, error) -> {
                    if (error != null) {
                        failure.set(error);
                    }
                });
            }
            producer.flush();
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        failOn(failure);
        return Map.of("MB/s", bytes / MIB / seconds, CPU, (server.cpuSeconds() - cpuBefore) / (bytes / GIB));
    }

    /** Produces {@code recordsPerSecond} for {@code duration}: latency from send to acknowledgement. */
    Map<String, Double> produceAtRate(String topic, int recordsPerSecond, Duration duration) {
        return produceAtRate(topic, recordsPerSecond, duration, 1, Map.of("linger.ms", "0"))
                .figures();
    }

    /**
     * What a load did.
     *
     * @param records acknowledged ones; each holds its number, counted from 0, in its first eight bytes
     * @param seconds from the first send to the last acknowledgement
     */
    record Load(Map<String, Double> figures, long records, double seconds) {
        double mibPerSecond() {
            return gib() * 1024 / seconds;
        }

        double gib() {
            return records * RECORD_BYTES / GIB;
        }
    }

    /** The same with several producers that take turns, of the given settings. */
    Load produceAtRate(
            String topic, int recordsPerSecond, Duration duration, int producers, Map<String, String> settings) {
        Histogram latency = new SynchronizedHistogram(TimeFrame.MAX_MICROS, 3);
        AtomicReference<Exception> failure = new AtomicReference<>();
        List<KafkaProducer<byte[], byte[]>> all =
                IntStream.range(0, producers).mapToObj(i -> producer(settings)).toList();
        long begin = System.nanoTime();
        long records = 0;
        try {
            byte[] template = payload();
            TimeFrame frame = new TimeFrame(recordsPerSecond, duration);
            while (frame.awaitNext() && System.nanoTime() - begin < duration.toNanos()) {
                byte[] payload = template.clone();
                ByteBuffer.wrap(payload).putLong(records);
                long sentAt = System.nanoTime();
                boolean counts = frame.isPastWarmUp();
                // a run of records to each, so that batches fill as those of one producer would
                KafkaProducer<byte[], byte[]> next = all.get((int) (records / 64 % producers));
                next.send(new ProducerRecord<>(topic, payload), (metadata, error) -> {
                    if (error != null) {
                        failure.set(error);
                    } else if (counts) {
                        latency.recordValue(Math.min(TimeFrame.MAX_MICROS, (System.nanoTime() - sentAt) / 1000));
                    }
                });
                records++;
            }
            all.forEach(KafkaProducer::flush);
        } finally {
            all.forEach(KafkaProducer::close);
        }
        failOn(failure);
        return new Load(percentiles(latency), records, (System.nanoTime() - begin) / 1e9);
    }

    /** Reads a topic from the beginning to its present end; how often each number of a {@link Load} is there. */
    int[] countNumbers(String topic, int partitions, long numbers) {
        int[] seen = new int[Math.toIntExact(numbers)];
        try (KafkaConsumer<byte[], byte[]> consumer =
                consumer(Map.of("fetch.max.bytes", "52428800", "max.partition.fetch.bytes", "8388608"))) {
            List<TopicPartition> sources = partitionsOf(topic, partitions);
            consumer.assign(sources);
            Map<TopicPartition, Long> ends = consumer.endOffsets(sources);
            // the first record of each partition is the one that createTopic appended
            sources.forEach(source -> consumer.seek(source, 1));
            long quietSince = System.nanoTime();
            while (sources.stream().anyMatch(source -> consumer.position(source) < ends.getOrDefault(source, 0L))) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    seen[Math.toIntExact(ByteBuffer.wrap(record.value()).getLong())]++;
                    quietSince = System.nanoTime();
                }
                if (System.nanoTime() - quietSince > Duration.ofSeconds(60).toNanos()) {
                    throw new IllegalStateException("Reading " + topic + " from " + server.name() + " got stuck");
                }
            }
        }
        return seen;
    }

    /**
     * Produces {@code recordsPerSecond} for {@code duration} while another thread consumes at the tail: time from send to
     * poll.
     */
    Map<String, Double> tailAtRate(String topic, int partitions, int recordsPerSecond, Duration duration)
            throws InterruptedException {
        Histogram latency = new Histogram(TimeFrame.MAX_MICROS, 3);
        CountDownLatch positioned = new CountDownLatch(1);
        AtomicBoolean ended = new AtomicBoolean();
        AtomicReference<Exception> failure = new AtomicReference<>();
        Thread reader = new Thread(() -> {
            try {
                followTail(topic, partitions, latency, positioned, ended);
            } catch (RuntimeException e) {
                failure.set(e);
                positioned.countDown();
            }
        });
        double cpuBefore = server.cpuSeconds();
        reader.start();
        long records = 0;
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("linger.ms", "0"))) {
            positioned.await();
            byte[] template = payload();
            TimeFrame frame = new TimeFrame(recordsPerSecond, duration);
            while (frame.awaitNext()) {
                byte[] payload = template.clone();
                ByteBuffer.wrap(payload).putLong(frame.isPastWarmUp() ? System.nanoTime() : 0);
                producer.send(new ProducerRecord<>(topic, payload), (metadata, error) -> {
                    if (error != null) {
                        failure.set(error);
                    }
                });
                records++;
            }
            producer.flush();
        } finally {
            ended.set(true);
            reader.join();
        }
        failOn(failure);
        Map<String, Double> results = new TreeMap<>(percentiles(latency));
        results.put(CPU, (server.cpuSeconds() - cpuBefore) / ((double) records * RECORD_BYTES / GIB));
        return results;
    }

    private void followTail(
            String topic, int partitions, Histogram latency, CountDownLatch positioned, AtomicBoolean ended) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of())) {
            List<TopicPartition> sources = partitionsOf(topic, partitions);
            consumer.assign(sources);
            consumer.seekToEnd(sources);
            sources.forEach(consumer::position);
            positioned.countDown();
            while (!ended.get()) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    long sentAt = ByteBuffer.wrap(record.value()).getLong();
                    if (sentAt != 0) {
                        latency.recordValue(Math.min(TimeFrame.MAX_MICROS, (System.nanoTime() - sentAt) / 1000));
                    }
                }
            }
        }
    }

    private static List<TopicPartition> partitionsOf(String topic, int partitions) {
        return IntStream.range(0, partitions)
                .mapToObj(i -> new TopicPartition(topic, i))
                .toList();
    }

    /** One record at a time, produced and then consumed at the tail: time from send to poll. */
    Map<String, Double> endToEnd(String topic, int partition, int rounds)
            throws ExecutionException, InterruptedException {
        Histogram latency = new Histogram(TimeFrame.MAX_MICROS, 3);
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("linger.ms", "0"));
                KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of())) {
            TopicPartition source = new TopicPartition(topic, partition);
            consumer.assign(List.of(source));
            consumer.seekToEnd(List.of(source));
            consumer.position(source);
            byte[] payload = payload();
            for (int i = 0; i < rounds; i++) {
                long begin = System.nanoTime();
                producer.send(new ProducerRecord<>(topic, partition, null, payload))
                        .get();
                while (consumer.poll(Duration.ofSeconds(10)).isEmpty()) {
                    // the next poll waits again
                }
                if (i >= rounds / 5) {
                    latency.recordValue(Math.min(TimeFrame.MAX_MICROS, (System.nanoTime() - begin) / 1000));
                }
            }
        }
        return percentiles(latency);
    }

    /** Reads a topic from the beginning until {@code records} have been seen. */
    Map<String, Double> catchUp(String topic, int partitions, long bytes) {
        double cpuBefore = server.cpuSeconds();
        long records = bytes / RECORD_BYTES;
        AtomicLong seen = new AtomicLong();
        long begin = System.nanoTime();
        try (KafkaConsumer<byte[], byte[]> consumer =
                consumer(Map.of("fetch.max.bytes", "52428800", "max.partition.fetch.bytes", "8388608"))) {
            List<TopicPartition> sources = partitionsOf(topic, partitions);
            consumer.assign(sources);
            consumer.seekToBeginning(sources);
            while (seen.get() < records) {
                seen.addAndGet(consumer.poll(Duration.ofSeconds(10)).count());
                if (System.nanoTime() - begin > Duration.ofMinutes(10).toNanos()) {
                    throw new IllegalStateException(
                            "Only " + seen.get() + " of " + records + " records were read from " + server.name());
                }
            }
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        return Map.of("MB/s", bytes / MIB / seconds, CPU, (server.cpuSeconds() - cpuBefore) / (bytes / GIB));
    }

    private KafkaProducer<byte[], byte[]> producer(Map<String, String> settings) {
        Map<String, Object> all = new HashMap<>(settings);
        all.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, server.bootstrap());
        all.put(ProducerConfig.ACKS_CONFIG, "all");
        all.put(ProducerConfig.BUFFER_MEMORY_CONFIG, Long.toString(64L << 20));
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private KafkaConsumer<byte[], byte[]> consumer(Map<String, String> settings) {
        Map<String, Object> all = new HashMap<>(settings);
        all.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, server.bootstrap());
        all.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "10000");
        all.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        return new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static byte[] payload() {
        byte[] payload = new byte[RECORD_BYTES];
        new Random(7).nextBytes(payload);
        return payload;
    }

    private static void failOn(AtomicReference<Exception> failure) {
        if (failure.get() != null) {
            throw new IllegalStateException("A record was not acknowledged", failure.get());
        }
    }

    private static Map<String, Double> percentiles(Histogram micros) {
        return Map.of(
                "p50 ms", micros.getValueAtPercentile(50) / 1000.0,
                "p99 ms", micros.getValueAtPercentile(99) / 1000.0,
                "p99.9 ms", micros.getValueAtPercentile(99.9) / 1000.0);
    }

    /** Paces sends at a fixed rate; the first fifth of the time is warm-up. */
    private static final class TimeFrame {
        static final long MAX_MICROS = 60_000_000L;

        private final long begin = System.nanoTime();
        private final double nanosPerRecord;
        private final long durationNanos;
        private long next;

        TimeFrame(int recordsPerSecond, Duration duration) {
            this.nanosPerRecord = 1e9 / recordsPerSecond;
            this.durationNanos = duration.toNanos();
        }

        boolean awaitNext() {
            long due = begin + (long) (next++ * nanosPerRecord);
            long wait = due - System.nanoTime();
            if (wait > 100_000) {
                LockSupport.parkNanos(wait);
            }
            return due - begin < durationNanos;
        }

        boolean isPastWarmUp() {
            return next * nanosPerRecord > durationNanos / 5.0;
        }
    }
}
