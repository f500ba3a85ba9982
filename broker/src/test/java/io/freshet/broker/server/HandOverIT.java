// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Partitions move between whole brokers while clients use them. */
@Timeout(240)
class HandOverIT {
    @TempDir
    Path temp;

    @Test
    void clientsSeeNothingOfAMoveEachSecond() throws Exception {
        try (BrokersInOneProcess brokers = new BrokersInOneProcess(temp, 3, Map.of())) {
            brokers.createTopic("t", 6, 1);
            try (MovedTraffic traffic = new MovedTraffic(brokers.bootstrap(), "t", 6)) {
                traffic.run(Duration.ofSeconds(8));
                MovedTraffic.Latencies calm = traffic.latencies();
                int moves = 0;
                for (int second = 0; second < 22; second++) {
                    int partition = second % 6;
                    int target = brokers.leader("t", partition) % 3 + 1;
                    brokers.reassign("t", partition, List.of(target, target % 3 + 1));
                    traffic.run(Duration.ofSeconds(1));
                    await().atMost(Duration.ofSeconds(20)).until(() -> brokers.leader("t", partition) == target);
                    moves++;
                }
                MovedTraffic.Latencies moving = traffic.latencies();
                traffic.finish();
                System.out.println(moves + " moves: calm " + calm + ", moving " + moving);
                assertThat(traffic.problems()).isEmpty();
            }
        }
    }

    @Test
    void aGroupGoesOnWhileItsCoordinatorMoves() throws Exception {
        try (BrokersInOneProcess brokers = new BrokersInOneProcess(temp, 3, Map.of())) {
            brokers.createTopic("t", 3, 1);
            try (MovedTraffic traffic = new MovedTraffic(brokers.bootstrap(), "t", 3)) {
                traffic.run(Duration.ofSeconds(2));
                for (int round = 0; round < 8; round++) {
                    for (int partition = 0; partition < 3; partition++) {
                        int target = brokers.leader("__consumer_offsets", partition) % 3 + 1;
                        brokers.reassign("__consumer_offsets", partition, List.of(target));
                    }
                    traffic.run(Duration.ofMillis(1_500));
                }
                traffic.finish();
                assertThat(traffic.problems()).isEmpty();
            }
            Map<TopicPartition, OffsetAndMetadata> committed = brokers.admin
                    .listConsumerGroupOffsets("watchers")
                    .partitionsToOffsetAndMetadata()
                    .get(30, TimeUnit.SECONDS);
            Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
            committed.keySet().forEach(partition -> ends.put(partition, OffsetSpec.latest()));
            assertThat(committed).hasSize(3);
            brokers.admin
                    .listOffsets(ends)
                    .all()
                    .get(30, TimeUnit.SECONDS)
                    .forEach((partition, end) -> assertThat(committed)
                            .extractingByKey(partition)
                            .extracting(OffsetAndMetadata::offset)
                            .isEqualTo(end.offset()));
        }
    }

    @Test
    void aBrokerThatStopsHandsAllOverFirst() throws Exception {
        try (BrokersInOneProcess brokers = new BrokersInOneProcess(temp, 4, Map.of())) {
            brokers.createTopic("t", 6, 4);
            try (MovedTraffic traffic = new MovedTraffic(brokers.bootstrap(), "t", 6)) {
                traffic.run(Duration.ofSeconds(4));
                MovedTraffic.Latencies calm = traffic.latencies();
                Thread stopping = new Thread(() -> brokers.stop(4));
                long beganNs = System.nanoTime();
                stopping.start();
                while (stopping.isAlive()) {
                    traffic.run(Duration.ofMillis(20));
                }
                long stopMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beganNs);
                assertThat(brokers.leaders("t").values()).hasSize(6).doesNotContain(4);
                traffic.run(Duration.ofSeconds(5));
                MovedTraffic.Latencies stopped = traffic.latencies();
                brokers.start(4);
                brokers.reassign("t", 0, List.of(4));
                traffic.run(Duration.ofSeconds(2));
                traffic.finish();
                System.out.println("a stop in " + stopMs + " ms: calm " + calm + ", stopping " + stopped);
                assertThat(traffic.problems()).isEmpty();
                assertThat(brokers.leaders("t")).containsEntry(0, 4);
            }
        }
    }

    @Test
    void aThousandPartitionsMoveAtOnce() throws Exception {
        try (BrokersInOneProcess brokers = new BrokersInOneProcess(temp, 3, Map.of())) {
            int count = 1_000;
            brokers.createTopic("many", count, 1);
            try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                    Map.of("bootstrap.servers", brokers.bootstrap(), "linger.ms", 5),
                    new ByteArraySerializer(),
                    new ByteArraySerializer())) {
                produceToAll(producer, count);
                long beganNs = System.nanoTime();
                CompletableFuture<Void> done =
                        brokers.server(1).metadata().controller().drainBroker(1, true);
                done.get(20, TimeUnit.SECONDS);
                await().atMost(Duration.ofSeconds(60))
                        .pollInterval(Duration.ofMillis(10))
                        .until(() -> ledBy(brokers, 1) == 0);
                long movedMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beganNs);
                produceToAll(producer, count);
                long writableMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - beganNs);
                System.out.println(
                        count + " partitions moved in " + movedMs + " ms, all written to after " + writableMs + " ms");
                Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
                for (int i = 0; i < count; i++) {
                    ends.put(new TopicPartition("many", i), OffsetSpec.latest());
                }
                assertThat(brokers.admin
                                .listOffsets(ends)
                                .all()
                                .get(60, TimeUnit.SECONDS)
                                .values())
                        .extracting(ListOffsetsResult.ListOffsetsResultInfo::offset)
                        .containsOnly(2L);
                assertThat(movedMs).isLessThan(20_000);
            }
        }
    }

    private static long ledBy(BrokersInOneProcess brokers, int broker) {
        return brokers.server(2).metadata().image().topics().getTopic("many").partitions().values().stream()
                .filter(partition -> partition.leader == broker)
                .count();
    }

    private static void produceToAll(KafkaProducer<byte[], byte[]> producer, int partitions) throws Exception {
        List<Future<?>> sent = new ArrayList<>();
        for (int i = 0; i < partitions; i++) {
            sent.add(producer.send(new ProducerRecord<>("many", i, null, new byte[100])));
        }
        for (Future<?> one : sent) {
            one.get(60, TimeUnit.SECONDS);
        }
    }
}
