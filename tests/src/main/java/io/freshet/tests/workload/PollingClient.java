// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.workload;

import io.freshet.tests.checker.Operation.Function;
import io.freshet.tests.checker.Operation.Type;
import io.freshet.tests.checker.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * A consumer that reads as its {@link Manner} says, changes its mind now and then, and dies now and then. Polls that give
 * nothing are not written down. One thread.
 */
final class PollingClient implements Runnable {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final int POLLS_PER_CHANGE = 64;

    private final Board board;
    private final Random random;
    private final Manner manner;
    private final double lifeSeconds;

    /** How it comes to its partitions. */
    enum Manner {
        ASSIGN,
        /** A group whose members share out the partitions among themselves. */
        CLASSIC,
        /** A group whose coordinator shares out the partitions. */
        CONSUMER
    }

    PollingClient(Board board, long seed, Manner manner, double lifeSeconds) {
        this.board = board;
        this.random = new Random(seed);
        this.manner = manner;
        this.lifeSeconds = lifeSeconds;
    }

    @Override
    public void run() {
        while (!board.isStopping()) {
            try {
                new Life().live();
            } catch (KafkaException e) {
                board.failed("consumer " + manner, e);
            }
        }
    }

    private Map<String, String> settings() {
        Map<String, String> settings = new HashMap<>();
        settings.put("max.poll.records", "1000");
        if (manner != Manner.ASSIGN) {
            settings.put("group.id", "readers-" + manner);
            settings.put("group.protocol", manner == Manner.CLASSIC ? "classic" : "consumer");
        }
        if (manner == Manner.CLASSIC) {
            settings.put("session.timeout.ms", "6000");
            settings.put("heartbeat.interval.ms", "1000");
        }
        return settings;
    }

    /** One client from its start to its death. */
    private final class Life {
        private final int process = board.newProcess();
        private final KafkaConsumer<byte[], byte[]> consumer = board.consumer(settings());
        private final Set<String> rebalanced = new TreeSet<>();
        private final Set<TopicPartition> assigned = new HashSet<>();
        private boolean isBroken;

        void live() {
            long deathNanos = System.nanoTime() + (long) (-Math.log(1 - random.nextDouble()) * lifeSeconds * 1e9);
            try {
                begin();
                while (!board.isStopping() && !isBroken && System.nanoTime() < deathNanos) {
                    if (manner == Manner.ASSIGN && random.nextInt(POLLS_PER_CHANGE) == 0) {
                        assign();
                    }
                    poll();
                }
                board.history().add(process, Type.INFO, Function.CRASH, List.of());
            } finally {
                consumer.close(
                        random.nextBoolean()
                                ? CloseOptions.timeout(Duration.ofSeconds(2))
                                : CloseOptions.timeout(Duration.ZERO)
                                        .withGroupMembershipOperation(
                                                CloseOptions.GroupMembershipOperation.REMAIN_IN_GROUP));
            }
        }

        private void begin() {
            if (manner == Manner.ASSIGN) {
                assign();
            } else {
                board.history().add(process, Type.OK, Function.SUBSCRIBE, List.of(), List.of(board.topic()), "");
                consumer.subscribe(List.of(board.topic()), new Listener());
            }
        }

        /** Some partitions; those it had go on where they are, the others begin anywhere. */
        private void assign() {
            List<TopicPartition> wanted = new ArrayList<>();
            for (int partition = 0; partition < board.partitions(); partition++) {
                if (random.nextInt(3) > 0) {
                    wanted.add(board.partition(partition));
                }
            }
            if (wanted.isEmpty()) {
                wanted.add(board.partition(random.nextInt(board.partitions())));
            }
            board.history()
                    .add(
                            process,
                            Type.OK,
                            Function.ASSIGN,
                            List.of(),
                            wanted.stream().map(TopicPartition::toString).toList(),
                            "");
            consumer.assign(wanted);
            for (TopicPartition partition : wanted) {
                if (!assigned.contains(partition)) {
                    long end = board.end(partition.partition());
                    boolean isFromStart = random.nextInt(6) == 0 || end == 0;
                    consumer.seek(partition, isFromStart ? 0 : Math.max(0, end - random.nextInt(5000)));
                }
            }
            assigned.clear();
            assigned.addAll(wanted);
        }

        private void poll() {
            List<Step> steps = new ArrayList<>();
            String error = "";
            try {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    steps.add(step(record));
                }
                if (manner != Manner.ASSIGN && !steps.isEmpty()) {
                    consumer.commitSync(Duration.ofSeconds(5));
                }
            } catch (KafkaException e) {
                error = String.valueOf(e);
                board.failed("consumer " + manner, e);
                isBroken = steps.isEmpty();
            }
            if (!steps.isEmpty() || !error.isEmpty() || !rebalanced.isEmpty()) {
                board.history()
                        .add(
                                process,
                                error.isEmpty() ? Type.OK : Type.INFO,
                                Function.POLL,
                                steps,
                                List.copyOf(rebalanced),
                                error);
                rebalanced.clear();
            }
        }

        /** Called within polls only. */
        private final class Listener implements ConsumerRebalanceListener {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                partitions.forEach(partition -> rebalanced.add(partition.toString()));
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                partitions.forEach(partition -> rebalanced.add(partition.toString()));
            }
        }
    }

    static Step step(ConsumerRecord<byte[], byte[]> record) {
        return Step.poll(
                record.topic() + "-" + record.partition(),
                record.offset(),
                Payload.valueOf(record.value(), record.offset()));
    }
}
