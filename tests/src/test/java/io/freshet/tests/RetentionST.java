// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What nobody may read any more leaves the object store too: by time, by size, by DeleteRecords, and with its topic. */
class RetentionST {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    @Test
    void unreachableObjectsAreDeleted() throws Exception {
        Path data = folder.resolve("data");
        try (FreshetProcess server = FreshetProcess.start(
                        data,
                        "--override=storage.upload.interval.ms=300",
                        "--override=storage.delete.grace.ms=200",
                        "--override=log.retention.check.interval.ms=300",
                        "--override=log.initial.task.delay.ms=300");
                Admin admin = new Clients(server.bootstrap()).admin()) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic("by-time", 1, Map.of("retention.ms", "500"));
            clients.createTopic("by-size", 1, Map.of("retention.bytes", "0"));
            clients.createTopic("by-request", 1, Map.of());
            clients.createTopic("by-topic", 1, Map.of());
            for (String topic : List.of("by-time", "by-size", "by-request", "by-topic")) {
                produce(clients, topic);
            }
            await("objects are written", () -> objectCount(data) > 0);

            admin.deleteRecords(Map.of(partition("by-request"), RecordsToDelete.beforeOffset(-1)))
                    .all()
                    .get();
            admin.deleteTopics(List.of("by-topic")).all().get();
            await("retention by time", () -> start(admin, "by-time") == 100);
            await("retention by size", () -> start(admin, "by-size") == 100);
            assertThat(start(admin, "by-request")).isEqualTo(100);
            await("no object is left", () -> objectCount(data) == 0);
        }
    }

    private static void produce(Clients clients, String topic) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = clients.producer(Map.of())) {
            for (int i = 0; i < 100; i++) {
                producer.send(new ProducerRecord<>(topic, 0, null, new byte[1000]));
            }
            producer.flush();
        }
    }

    private static long start(Admin admin, String topic) throws Exception {
        return admin.listOffsets(Map.of(partition(topic), OffsetSpec.earliest()))
                .partitionResult(partition(topic))
                .get()
                .offset();
    }

    private static TopicPartition partition(String topic) {
        return new TopicPartition(topic, 0);
    }

    private static long objectCount(Path data) throws IOException {
        try (Stream<Path> files = Files.walk(data.resolve("objects/data"))) {
            return files.filter(Files::isRegularFile).count();
        } catch (NoSuchFileException e) {
            return 0;
        } catch (UncheckedIOException e) {
            return 1; // a folder vanished while it was walked: look again
        }
    }

    private static void await(String what, java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await(what).atMost(LIMIT).pollInterval(Duration.ofMillis(50)).until(condition);
    }
}
