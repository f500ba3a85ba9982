// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.workload;

import io.freshet.tests.checker.Operation.Function;
import io.freshet.tests.checker.Operation.Type;
import io.freshet.tests.checker.Step;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/**
 * Writes one record to each partition ten times a second, gives each a second to be acknowledged and never repeats it: {@link
 * Availability} learns when which partition took writes. Each probe is a process of its own in the history. One thread, and the
 * producer's for its answers.
 */
final class Prober implements Runnable {
    private static final long INTERVAL_NANOS = Duration.ofMillis(100).toNanos();

    private final Board board;
    private final Availability availability;
    private final Random random = new Random(1);

    Prober(Board board, Availability availability) {
        this.board = board;
        this.availability = availability;
    }

    @Override
    public void run() {
        try (KafkaProducer<byte[], byte[]> producer = board.producer(settings())) {
            long nextNanos = System.nanoTime();
            while (!board.isStopping()) {
                for (int partition = 0; partition < board.partitions(); partition++) {
                    probe(producer, partition);
                }
                nextNanos = Math.max(nextNanos + INTERVAL_NANOS, System.nanoTime());
                while (System.nanoTime() < nextNanos) {
                    LockSupport.parkNanos(nextNanos - System.nanoTime());
                }
            }
        }
    }

    private static Map<String, String> settings() {
        return Map.of(
                "enable.idempotence", "false",
                "retries", "0",
                "linger.ms", "0",
                "request.timeout.ms", "1000",
                "delivery.timeout.ms", "1000",
                "max.block.ms", "1000",
                "reconnect.backoff.max.ms", "50",
                "socket.connection.setup.timeout.ms", "1000", // else the client waits 10 s for a node that is cut off
                "socket.connection.setup.timeout.max.ms", "1000",
                "max.in.flight.requests.per.connection", "100");
    }

    private void probe(KafkaProducer<byte[], byte[]> producer, int partition) {
        int process = board.newProcess();
        String key = board.partition(partition).toString();
        long value = board.newValue(partition);
        board.history().add(process, Type.INVOKE, Function.SEND, List.of(Step.send(key, value)));
        Availability.Probe probe = availability.sent(partition);
        try {
            producer.send(
                    new ProducerRecord<>(board.topic(), partition, null, Payload.of(value, 0, random)),
                    (metadata, error) -> answered(process, probe, Step.send(key, value), metadata, error));
        } catch (KafkaException e) {
            answered(process, probe, Step.send(key, value), null, e);
        }
    }

    private void answered(
            int process,
            Availability.Probe probe,
            Step sent,
            @Nullable RecordMetadata metadata,
            @Nullable Exception error) {
        if (error != null || metadata == null) {
            availability.failed(probe);
            board.failed("probe", error == null ? new IllegalStateException() : error);
            board.history().add(process, Type.INFO, Function.SEND, List.of(sent), List.of(), String.valueOf(error));
            return;
        }
        availability.acknowledged(probe);
        board.acknowledged(metadata.partition(), metadata.offset() + 1);
        board.history()
                .add(process, Type.OK, Function.SEND, List.of(Step.send(sent.key(), metadata.offset(), sent.value())));
    }
}
