// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.workload;

import io.freshet.tests.checker.Operation.Function;
import io.freshet.tests.checker.Operation.Type;
import io.freshet.tests.checker.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/** Reads everything once more, from the start of each partition until all that was acknowledged has been passed. */
final class FinalReader {
    private final Board board;

    FinalReader(Board board) {
        this.board = board;
    }

    /** Returns whether it came to the end in time; the history says what it saw. */
    boolean read(Duration timeout) {
        int process = board.newProcess();
        long deadlineNanos = System.nanoTime() + timeout.toNanos();
        List<TopicPartition> all = new ArrayList<>();
        for (int partition = 0; partition < board.partitions(); partition++) {
            all.add(board.partition(partition));
        }
        try (KafkaConsumer<byte[], byte[]> consumer = board.consumer(Map.of("max.poll.records", "2000"))) {
            board.history()
                    .add(
                            process,
                            Type.OK,
                            Function.ASSIGN,
                            List.of(),
                            all.stream().map(TopicPartition::toString).toList(),
                            "");
            consumer.assign(all);
            consumer.seekToBeginning(all);
            long[] positions = new long[board.partitions()];
            while (!isAtEnd(positions) && System.nanoTime() < deadlineNanos) {
                poll(consumer, process, positions);
            }
            return isAtEnd(positions);
        }
    }

    private void poll(KafkaConsumer<byte[], byte[]> consumer, int process, long[] positions) {
        List<Step> steps = new ArrayList<>();
        try {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                steps.add(PollingClient.step(record));
                positions[record.partition()] = record.offset() + 1;
            }
        } catch (KafkaException e) {
            board.failed("final reader", e);
        }
        if (!steps.isEmpty()) {
            board.history().add(process, Type.OK, Function.POLL, steps);
        }
    }

    private boolean isAtEnd(long[] positions) {
        for (int partition = 0; partition < positions.length; partition++) {
            if (positions[partition] < board.end(partition)) {
                return false;
            }
        }
        return true;
    }
}
