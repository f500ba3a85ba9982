// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;

/**
 * Writes to one partition at one broker, record by record, whatever that broker and the metadata say about who leads it: a client that
 * does not look around. One thread.
 */
final class DirectWrites implements AutoCloseable {
    private static final short VERSION = 9;
    private static final Duration ANSWER = Duration.ofSeconds(2);
    private static final long PAUSE_NANOS = 10_000_000;

    private final String bootstrap;
    private final TopicPartition partition;
    private final ConcurrentLinkedQueue<Answer> answers = new ConcurrentLinkedQueue<>();
    private final Thread thread;
    private volatile boolean isClosed;

    /** {@code bootstrap} is the broker's host and port. */
    private DirectWrites(String bootstrap, TopicPartition partition) {
        this.bootstrap = bootstrap;
        this.partition = partition;
        this.thread = new Thread(this::run, "direct-writes");
    }

    /** What came of one record. */
    record Answer(String value, long sentNanos, long offset, Errors error) {
        boolean isAcknowledged() {
            return error == Errors.NONE;
        }
    }

    static DirectWrites start(String bootstrap, TopicPartition partition) {
        DirectWrites writes = new DirectWrites(bootstrap, partition);
        writes.thread.start();
        return writes;
    }

    TopicPartition partition() {
        return partition;
    }

    /** Those acknowledged so far, by offset. */
    Map<Long, String> acknowledged() {
        Map<Long, String> values = new TreeMap<>();
        answers.stream().filter(Answer::isAcknowledged).forEach(answer -> values.put(answer.offset(), answer.value()));
        return values;
    }

    /** How many of those sent at {@code sinceNanos} or later have been acknowledged. */
    long acknowledgedSince(long sinceNanos) {
        return answers.stream()
                .filter(answer -> answer.isAcknowledged() && answer.sentNanos() - sinceNanos >= 0)
                .count();
    }

    /** When the last one was sent that has been acknowledged, in ms after {@code sinceNanos}; 0 if none has since. */
    long lastAcknowledgedMs(long sinceNanos) {
        return answers.stream()
                .filter(Answer::isAcknowledged)
                .mapToLong(answer -> (answer.sentNanos() - sinceNanos) / 1_000_000)
                .filter(ms -> ms > 0)
                .max()
                .orElse(0);
    }

    /** The errors of those sent at {@code sinceNanos} or later, and how often they came. */
    Map<Errors, Integer> refusedSince(long sinceNanos) {
        Map<Errors, Integer> counts = new TreeMap<>();
        answers.stream()
                .filter(answer -> !answer.isAcknowledged() && answer.sentNanos() - sinceNanos >= 0)
                .forEach(answer -> counts.merge(answer.error(), 1, Integer::sum));
        return counts;
    }

    private void run() {
        int number = 0;
        while (!isClosed) {
            try (DirectConnection connection = new DirectConnection(bootstrap, ANSWER)) {
                while (!isClosed) {
                    write(connection, "direct " + ++number); // shorter than what writers write
                    LockSupport.parkNanos(PAUSE_NANOS);
                }
            } catch (IOException e) {
                LockSupport.parkNanos(PAUSE_NANOS); // what was sent last stays without an answer
            }
        }
    }

    private void write(DirectConnection connection, String value) throws IOException {
        long sentNanos = System.nanoTime();
        ProduceResponseData response = (ProduceResponseData) connection.ask(ApiKeys.PRODUCE, VERSION, request(value));
        response.responses()
                .forEach(topic -> topic.partitionResponses()
                        .forEach(each -> answers.add(
                                new Answer(value, sentNanos, each.baseOffset(), Errors.forCode(each.errorCode())))));
    }

    private ApiMessage request(String value) {
        ProduceRequestData.TopicProduceDataCollection topics = new ProduceRequestData.TopicProduceDataCollection();
        topics.add(new ProduceRequestData.TopicProduceData()
                .setName(partition.topic())
                .setPartitionData(List.of(new ProduceRequestData.PartitionProduceData()
                        .setIndex(partition.partition())
                        .setRecords(MemoryRecords.withRecords(
                                Compression.NONE, new SimpleRecord(value.getBytes(StandardCharsets.UTF_8)))))));
        return new ProduceRequestData()
                .setAcks((short) -1)
                .setTimeoutMs((int) ANSWER.toMillis())
                .setTopicData(topics);
    }

    @Override
    public void close() {
        isClosed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
