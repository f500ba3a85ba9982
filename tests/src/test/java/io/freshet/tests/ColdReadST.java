// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Gigabytes written, all memory given up (the server restarts, the page cache is dropped), and read back byte for byte, from a
 * folder and from S3. Size: {@code -Dfreshet.cold.mib} (2048).
 */
class ColdReadST {
    private static final int VALUE_BYTES = 64 * 1024;
    private static final int PARTITIONS = 4;
    private static final long MIB = 1 << 20;

    private final long records = Long.getLong("freshet.cold.mib", 2048) * MIB / VALUE_BYTES;

    @TempDir
    Path folder;

    @Test
    void fromAFolder() throws Exception {
        writeRestartAndRead("file", folder.resolve("data/objects"), Map.of());
    }

    @Test
    void fromS3() throws Exception {
        try (S3Server s3 = S3Server.start(folder.resolve("s3"), "cold")) {
            writeRestartAndRead("s3", folder.resolve("s3"), s3.credentials(), "--bucket", s3.uri("cold"));
        }
    }

    private void writeRestartAndRead(String name, Path objects, Map<String, String> environment, String... options)
            throws Exception {
        try (FreshetProcess server = FreshetProcess.start(folder.resolve("data"), environment, options)) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic("cold", PARTITIONS, Map.of());
            long begin = System.nanoTime();
            write(clients);
            long writeNanos = System.nanoTime() - begin;
            assertThat(server.stop()).isIn(0, 143);
            dropPageCache(objects);
            server.start();
            begin = System.nanoTime();
            read(clients);
            long readNanos = System.nanoTime() - begin;
            System.out.printf(
                    "%s: %d MiB written at %.0f MB/s, read cold at %.0f MB/s, identical%n",
                    name,
                    records * VALUE_BYTES / MIB,
                    records * VALUE_BYTES / (double) MIB / (writeNanos / 1e9),
                    records * VALUE_BYTES / (double) MIB / (readNanos / 1e9));
        }
    }

    private void write(Clients clients) {
        AtomicReference<Exception> failure = new AtomicReference<>();
        try (KafkaProducer<byte[], byte[]> producer =
                clients.producer(Map.of("batch.size", "524288", "linger.ms", "5", "max.request.size", "1048576"))) {
            for (long i = 0; i < records; i++) {
                producer.send(
                        new ProducerRecord<>("cold", (int) (i % PARTITIONS), null, value(i)), (metadata, error) -> {
                            if (error != null) {
                                failure.set(error);
                            }
                        });
            }
        }
        assertThat(failure.get()).isNull();
    }

    private void read(Clients clients) {
        try (KafkaConsumer<byte[], byte[]> consumer =
                clients.consumer(Map.of("max.partition.fetch.bytes", "4194304", "check.crcs", "true"))) {
            List<TopicPartition> all = IntStream.range(0, PARTITIONS)
                    .mapToObj(i -> new TopicPartition("cold", i))
                    .toList();
            consumer.assign(all);
            consumer.seekToBeginning(all);
            long[] next = IntStream.range(0, PARTITIONS).mapToLong(i -> i).toArray();
            long seen = 0;
            while (seen < records) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(30))) {
                    long index = next[record.partition()];
                    assertThat(record.offset()).isEqualTo(index / PARTITIONS);
                    if (!java.util.Arrays.equals(record.value(), value(index))) {
                        throw new AssertionError(
                                "Other bytes at offset " + record.offset() + " of partition " + record.partition());
                    }
                    next[record.partition()] += PARTITIONS;
                    seen++;
                }
            }
        }
    }

    /** The bytes of record {@code index}: random, but known. */
    private static byte[] value(long index) {
        SplittableRandom random = new SplittableRandom(index);
        ByteBuffer value = ByteBuffer.allocate(VALUE_BYTES);
        while (value.hasRemaining()) {
            value.putLong(random.nextLong());
        }
        return value.array();
    }

    private static void dropPageCache(Path objects) throws IOException, InterruptedException {
        try (Stream<Path> files = Files.walk(objects)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                new ProcessBuilder("dd", "if=" + file, "iflag=nocache", "count=0", "status=none")
                        .start()
                        .waitFor();
            }
        }
    }
}
