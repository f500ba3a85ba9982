// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.freshet.broker.cli.fleet.Fleet;
import io.freshet.tests.nemesis.Cluster;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Five broker processes, all load on two of them, some of it on few partitions: once balancing may move, the five are within
 * the tolerance of even in a minute, and neither the producer nor the consumer sees an error. Prints the course.
 */
class BalancingST {
    private static final int BROKERS = 5;
    private static final int PARTITIONS = 60;
    private static final int RECORD_BYTES = 10_000;
    private static final int RECORDS_PER_SECOND = 300;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    private final HttpClient http = HttpClient.newHttpClient();
    private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    private final AtomicInteger consumed = new AtomicInteger();
    private volatile boolean isOver;

    @Test
    void aSkewedClusterIsEvenInAMinute() throws Exception {
        Path home = folder.resolve("fleet");
        try (Cluster cluster = Cluster.start(
                FreshetProcess.distribution(), home, BROKERS, Map.of("balance.enabled", "false"), Map.of())) {
            Clients clients = new Clients(cluster.bootstrap());
            createSkewed(clients);
            Thread writer = new Thread(() -> run(() -> write(clients)), "writer");
            Thread reader = new Thread(() -> run(() -> read(clients)), "reader");
            writer.start();
            reader.start();
            try {
                int port = Fleet.read(home).nodes().get(4).httpPort();
                pass(Duration.ofSeconds(25));
                JsonNode skewed = ask(port);
                print(0, skewed);
                assertThat(worst(skewed)).isGreaterThan(0.5);
                enable(clients);
                long tookMs = untilEven(port);
                System.out.println(
                        "within " + ask(port).get("tolerance").asDouble() + " of the mean after " + tookMs + " ms");
                assertThat(tookMs).isLessThanOrEqualTo(LIMIT.toMillis());
            } finally {
                isOver = true;
                writer.join();
                reader.join();
            }
            assertThat(failure.get()).isNull();
            assertThat(consumed.get()).isPositive();
            assertThat(cluster.errorLines()).isEmpty();
        }
    }

    private void createSkewed(Clients clients) throws Exception {
        Map<Integer, List<Integer>> replicas = new HashMap<>();
        for (int i = 0; i < PARTITIONS; i++) {
            replicas.put(i, List.of(1 + i % 2));
        }
        try (Admin admin = clients.admin()) {
            admin.createTopics(Set.of(new NewTopic("skewed", replicas))).all().get();
        }
    }

    private void enable(Clients clients) throws Exception {
        try (Admin admin = clients.admin()) {
            admin.incrementalAlterConfigs(Map.of(
                            new ConfigResource(ConfigResource.Type.BROKER, ""),
                            List.of(new AlterConfigOp(
                                    new ConfigEntry("balance.enabled", "true"), AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
        }
    }

    private interface Task {
        void run() throws Exception;
    }

    private void run(Task task) {
        try {
            task.run();
        } catch (Exception e) {
            failure.compareAndSet(null, e);
        }
    }

    /** Every third record goes to one of six partitions, the others to all in turn. */
    private void write(Clients clients) {
        byte[] value = new byte[RECORD_BYTES];
        try (KafkaProducer<byte[], byte[]> producer = clients.producer(Map.of("linger.ms", "20"))) {
            long begunNs = System.nanoTime();
            for (int i = 0; !isOver; i++) {
                int partition = i % 3 == 0 ? i / 3 % 6 : i % PARTITIONS;
                producer.send(new ProducerRecord<>("skewed", partition, null, value), (metadata, error) -> {
                    if (error != null) {
                        failure.compareAndSet(null, error);
                    }
                });
                long dueNs = begunNs + i * 1_000_000_000L / RECORDS_PER_SECOND;
                LockSupport.parkNanos(dueNs - System.nanoTime());
            }
        }
    }

    private void read(Clients clients) {
        try (KafkaConsumer<byte[], byte[]> consumer = clients.consumer(Map.of("group.id", "readers"))) {
            consumer.subscribe(List.of("skewed"));
            while (!isOver) {
                consumed.addAndGet(consumer.poll(Duration.ofMillis(500)).count());
            }
        }
    }

    private JsonNode ask(int port) throws Exception {
        HttpResponse<String> answer = http.send(
                HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/api/balance"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return new ObjectMapper().readTree(answer.body());
    }

    /** Milliseconds until what is measured, with no move under way, is even in everything, and twice in a row. */
    private long untilEven(int port) throws Exception {
        long begunNs = System.nanoTime();
        long evenSinceMs = -1;
        while (true) {
            pass(Duration.ofSeconds(2));
            long passedMs = (System.nanoTime() - begunNs) / 1_000_000;
            JsonNode now = ask(port);
            print(passedMs, now);
            boolean isEven = now.get("underWay").isEmpty()
                    && worst(now) <= now.get("tolerance").asDouble();
            if (isEven && evenSinceMs >= 0) {
                return evenSinceMs;
            }
            evenSinceMs = isEven ? passedMs : -1;
            if (passedMs > 2 * LIMIT.toMillis()) {
                return passedMs;
            }
        }
    }

    /** The greatest deviation of a broker from the mean, in bytes; and in partitions, where one more or less is even. */
    private static double worst(JsonNode balance) {
        double worst = 0;
        for (JsonNode broker : balance.get("brokers")) {
            for (String resource : List.of("bytesIn", "bytesOut", "partitions")) {
                double mean = balance.get("mean").get(resource).asDouble();
                double off = Math.abs(broker.get("load").get(resource).asDouble() - mean);
                boolean isRounding = resource.equals("partitions") && off < 1;
                worst = isRounding ? worst : Math.max(worst, off / Math.max(1, mean));
            }
        }
        return worst;
    }

    private static void print(long passedMs, JsonNode balance) {
        List<String> loads = StreamSupport.stream(balance.get("brokers").spliterator(), false)
                .map(broker -> String.format(
                        Locale.ROOT,
                        "%.2f/%.2f/%.0f",
                        broker.get("load").get("bytesIn").asDouble() / 1e6,
                        broker.get("load").get("bytesOut").asDouble() / 1e6,
                        broker.get("load").get("partitions").asDouble()))
                .toList();
        System.out.printf(
                Locale.ROOT,
                "%6d ms: MB/s in, out, partitions by broker %s, worst %.0f %%, %d under way, %d to move, %d begun%n",
                passedMs,
                loads,
                100 * worst(balance),
                balance.get("underWay").size(),
                balance.get("moves").size(),
                balance.get("movesInLastMinute").asInt());
    }

    private static void pass(Duration time) {
        LockSupport.parkNanos(time.toNanos());
    }
}
