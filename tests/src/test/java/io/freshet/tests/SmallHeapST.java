// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.tests.nemesis.FaultProxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server with a heap of 512 MiB, and nothing else configured, under more load than its store takes: none at all. */
@Timeout(170)
class SmallHeapST {
    private static final String BUCKET = "small";
    private static final int PARTITIONS = 3;
    private static final int BULK_PRODUCERS = 3;

    private final long seed = Long.getLong("freshet.seed", 20260717);

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"block", "s3"})
    void refusesWritesAndStaysAliveWhileTheStoreDoesNotAnswer(String lane) throws Exception {
        int httpPort = FreshetProcess.freePort();
        Map<String, String> environment = new HashMap<>();
        environment.put("KAFKA_HEAP_OPTS", "-Xmx512m");
        try (S3Server s3 = S3Server.start(folder.resolve("s3"), BUCKET);
                FaultProxy proxy = FaultProxy.start(s3.port())) {
            environment.putAll(s3.credentials());
            try (FreshetProcess server = FreshetProcess.start(
                    folder.resolve("data"),
                    environment,
                    "--wal",
                    lane,
                    "--bucket",
                    "s3://" + BUCKET + "?endpoint=http://127.0.0.1:" + proxy.port()
                            + "&region=us-east-1&pathStyle=true",
                    "--override=http.listener=127.0.0.1:" + httpPort)) {
                run(server, proxy, httpPort);
                assertThat(server.stop()).isIn(0, 143);
            }
        }
    }

    private void run(FreshetProcess server, FaultProxy proxy, int httpPort) throws Exception {
        Clients clients = new Clients(server.bootstrap());
        clients.createTopic("small", PARTITIONS, Map.of());
        clients.createTopic("bulk", PARTITIONS, Map.of());
        DurableWriters writers =
                DurableWriters.start(clients, DurableWriters.partitionsOf("small", PARTITIONS), 3, seed);
        List<Bulk> bulks = new ArrayList<>();
        for (int i = 0; i < BULK_PRODUCERS; i++) {
            bulks.add(new Bulk(clients, i, seed));
        }
        writers.awaitProgress();
        proxy.set(FaultProxy.Fault.HANGS);
        await("writes come to a halt")
                .atMost(Duration.ofSeconds(60))
                .until(() -> bulks.stream().allMatch(bulk -> bulk.refused.get() > 10));
        long acknowledged = acknowledged(bulks);
        await().during(Duration.ofSeconds(10))
                .atMost(Duration.ofSeconds(12))
                .until(() -> server.isAlive() && status(httpPort, "/livez") == 200);
        assertThat(acknowledged(bulks) - acknowledged)
                .as("records taken that have no room")
                .isLessThan(60);
        String metrics = get(httpPort, "/metrics").body();
        assertThat(metric(metrics, "freshet_storage_tail_bytes"))
                .isLessThanOrEqualTo(metric(metrics, "freshet_storage_tail_limit_bytes") * 1.1);
        assertThat(metric(metrics, "freshet_storage_tail_limit_bytes")).isLessThan(200 << 20);
        proxy.set(FaultProxy.Fault.NONE);
        writers.awaitProgress();
        for (Bulk bulk : bulks) {
            bulk.finish();
            assertThat(bulk.strangeErrors).isEmpty();
        }
        verify(clients, bulks);
        writers.finishAndVerify();
    }

    private static long acknowledged(List<Bulk> bulks) {
        return bulks.stream().mapToLong(bulk -> bulk.acknowledged.size()).sum();
    }

    private static HttpResponse<String> get(int port, String path) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + port + path);
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    }

    private static int status(int port, String path) throws Exception {
        return get(port, path).statusCode();
    }

    private static double metric(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
                .map(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("No metric " + name + " in " + text));
    }

    private static void verify(Clients clients, List<Bulk> bulks) {
        List<TopicPartition> partitions = DurableWriters.partitionsOf("bulk", PARTITIONS);
        Map<TopicPartition, Map<Long, Long>> read = new HashMap<>();
        partitions.forEach(partition -> read.put(partition, new HashMap<>()));
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(5))) {
                    read.get(new TopicPartition(record.topic(), record.partition()))
                            .put(record.offset(), checksum(record.value()));
                }
            }
        }
        for (Bulk bulk : bulks) {
            bulk.acknowledged.forEach(
                    (place, checksum) -> assertThat(read.get(place.partition()).get(place.offset()))
                            .as("record at %s", place)
                            .isEqualTo(checksum));
        }
        System.out.println(acknowledged(bulks) + " large records acknowledged, all read back");
    }

    private static long checksum(byte[] value) {
        CRC32C crc = new CRC32C();
        crc.update(value, 0, value.length);
        return crc.getValue();
    }

    private record Place(TopicPartition partition, long offset) {}

    /** A producer of large records that gives each one up after a few seconds. */
    private static final class Bulk {
        private static final int MOST_BYTES = 900_000;

        private final Map<Place, Long> acknowledged = new ConcurrentHashMap<>();
        private final List<Exception> strangeErrors = java.util.Collections.synchronizedList(new ArrayList<>());
        private final AtomicLong refused = new AtomicLong();
        private final AtomicBoolean running = new AtomicBoolean(true);
        private final KafkaProducer<byte[], byte[]> producer;
        private final Random random;
        private final Thread thread;

        Bulk(Clients clients, int id, long seed) {
            random = new Random(seed + 100 + id);
            producer = clients.producer(Map.of(
                    "enable.idempotence", "false",
                    "delivery.timeout.ms", "4000",
                    "request.timeout.ms", "3000",
                    "max.block.ms", "2000",
                    "linger.ms", "5",
                    "batch.size", "500000",
                    "buffer.memory", "8388608"));
            thread = new Thread(this::run, "bulk-" + id);
            thread.start();
        }

        private void run() {
            while (running.get()) {
                byte[] value = new byte[random.nextInt(MOST_BYTES)];
                random.nextBytes(value);
                long checksum = checksum(value);
                TopicPartition partition = new TopicPartition("bulk", random.nextInt(PARTITIONS));
                producer.send(
                        new ProducerRecord<>(partition.topic(), partition.partition(), null, value),
                        (metadata, error) -> {
                            if (error == null) {
                                acknowledged.put(new Place(partition, metadata.offset()), checksum);
                            } else if (error instanceof RetriableException) {
                                refused.incrementAndGet();
                            } else {
                                strangeErrors.add(error);
                            }
                        });
            }
        }

        void finish() throws InterruptedException {
            running.set(false);
            thread.join();
            producer.close();
        }
    }
}
