// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.workload;

import io.freshet.tests.checker.Operation.Function;
import io.freshet.tests.checker.Operation.Type;
import io.freshet.tests.checker.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;

/**
 * An idempotent producer that sends a few records to random partitions, waits for all their answers, and goes on; now and then
 * it dies, answers or not, and another takes its place. One thread.
 */
final class SendingClient implements Runnable {
    private static final int MOST_AT_ONCE = 300;
    private static final int MOST_NOISE_BYTES = 400;

    private final Board board;
    private final Random random;
    private final double recordsPerSecond;
    private final double lifeSeconds;
    private final boolean isPatient;
    private final long beganNanos = System.nanoTime();
    private double sent;

    /**
     * @param lifeSeconds mean time to a crash
     * @param isPatient whether it waits for answers through a long outage, so that few outcomes are unknown
     */
    SendingClient(Board board, long seed, double recordsPerSecond, double lifeSeconds, boolean isPatient) {
        this.board = board;
        this.random = new Random(seed);
        this.recordsPerSecond = recordsPerSecond;
        this.lifeSeconds = lifeSeconds;
        this.isPatient = isPatient;
    }

    @Override
    public void run() {
        while (!board.isStopping()) {
            live();
        }
    }

    private void live() {
        int process = board.newProcess();
        long deathNanos = System.nanoTime() + (long) (-Math.log(1 - random.nextDouble()) * lifeSeconds * 1e9);
        try (KafkaProducer<byte[], byte[]> producer = board.producer(settings())) {
            while (!board.isStopping() && System.nanoTime() < deathNanos) {
                int count = due();
                if (count == 0) {
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                } else {
                    send(producer, process, count, false);
                }
            }
            if (!board.isStopping()) {
                if (random.nextBoolean()) {
                    send(producer, process, 1 + random.nextInt(20), true);
                }
                board.history().add(process, Type.INFO, Function.CRASH, List.of());
                producer.close(Duration.ZERO);
            }
        }
    }

    private Map<String, String> settings() {
        return Map.of(
                "enable.idempotence",
                "true",
                "linger.ms",
                Integer.toString(random.nextInt(10)),
                "request.timeout.ms",
                isPatient ? "5000" : "2000",
                "delivery.timeout.ms",
                isPatient ? "120000" : "6000",
                "max.block.ms",
                "10000");
    }

    /** Records to send by now, to keep the rate. What could not be sent for a second is left out. */
    private int due() {
        double all = recordsPerSecond * (System.nanoTime() - beganNanos) / 1e9;
        sent = Math.max(sent, all - Math.max(recordsPerSecond, 1));
        int count = (int) Math.min(MOST_AT_ONCE, all - sent);
        sent += count;
        return count;
    }

    private void send(KafkaProducer<byte[], byte[]> producer, int process, int count, boolean dies) {
        List<Step> invoked = new ArrayList<>(count);
        int[] partitions = new int[count];
        for (int i = 0; i < count; i++) {
            partitions[i] = random.nextInt(board.partitions());
            invoked.add(Step.send(board.partition(partitions[i]).toString(), board.newValue(partitions[i])));
        }
        board.history().add(process, Type.INVOKE, Function.SEND, invoked);
        List<Future<RecordMetadata>> answers = new ArrayList<>(count);
        Outcome outcome = new Outcome();
        for (int i = 0; i < count && outcome.isGood(); i++) {
            byte[] value = Payload.of(invoked.get(i).value(), random.nextInt(MOST_NOISE_BYTES), random);
            try {
                answers.add(producer.send(new ProducerRecord<>(board.topic(), partitions[i], null, value)));
            } catch (KafkaException e) {
                outcome.failed(e);
            }
        }
        if (dies) {
            producer.close(Duration.ZERO);
        }
        for (int i = 0; i < count; i++) {
            Step step = invoked.get(i);
            long offset = i < answers.size() ? outcome.offset(answers.get(i)) : Step.UNKNOWN;
            if (offset != Step.UNKNOWN) {
                board.acknowledged(partitions[i], offset + 1);
            }
            outcome.steps.add(Step.send(step.key(), offset, step.value()));
        }
        board.history()
                .add(
                        process,
                        outcome.isGood() ? Type.OK : Type.INFO,
                        Function.SEND,
                        outcome.steps,
                        List.of(),
                        outcome.error);
    }

    /** What became of one operation. */
    private final class Outcome {
        private final List<Step> steps = new ArrayList<>();
        private String error = "";

        boolean isGood() {
            return error.isEmpty();
        }

        void failed(Throwable cause) {
            error = String.valueOf(cause);
            board.failed("producer", cause);
        }

        /** Waits; the producer's delivery time-out bounds it. */
        long offset(Future<RecordMetadata> answer) {
            try {
                RecordMetadata metadata = answer.get();
                return metadata.hasOffset() ? metadata.offset() : Step.UNKNOWN;
            } catch (ExecutionException e) {
                failed(e.getCause() == null ? e : e.getCause());
            } catch (InterruptedException e) {
                failed(e);
                Thread.currentThread().interrupt();
            }
            return Step.UNKNOWN;
        }
    }
}
