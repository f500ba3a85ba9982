// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.broker.partition.MovablePartition;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.kafka.common.TopicIdPartition;

/** A partition that is open on a simulated broker: its records are numbers. */
final class ThinPartition implements MovablePartition {
    private enum Intake {
        OPEN,
        PARKED,
        CLOSED
    }

    private final ThinStorage storage;
    private final TopicIdPartition id;
    private final long streamId;
    private final int leaderEpoch;
    /** What is in no object yet. */
    private final TreeMap<Long, Long> tail;

    private Intake intake = Intake.OPEN;
    private long committedEnd;
    private long durableEnd;
    private long end;

    /** @param tail what the WALs of others hold from {@code committedEnd} on */
    ThinPartition(
            ThinStorage storage,
            TopicIdPartition id,
            long streamId,
            int leaderEpoch,
            long committedEnd,
            TreeMap<Long, Long> tail) {
        this.storage = storage;
        this.id = id;
        this.streamId = streamId;
        this.leaderEpoch = leaderEpoch;
        this.tail = tail;
        this.committedEnd = committedEnd;
        this.end = tail.isEmpty() ? committedEnd : tail.lastKey() + 1;
        this.durableEnd = end;
    }

    @Override
    public TopicIdPartition id() {
        return id;
    }

    @Override
    public int leaderEpoch() {
        return leaderEpoch;
    }

    long streamId() {
        return streamId;
    }

    int brokerId() {
        return storage.member().id();
    }

    long brokerEpoch() {
        return storage.member().brokerEpoch();
    }

    String owner() {
        return "broker " + storage.member().id() + " of epoch "
                + storage.member().brokerEpoch();
    }

    long end() {
        return end;
    }

    boolean isClosed() {
        return intake == Intake.CLOSED;
    }

    boolean takesAppends() {
        return intake == Intake.OPEN && storage.member().mayServe();
    }

    /** Appends {@code value}; {@code answer} is told whether it is durable, or nothing. False if it was not taken. */
    boolean append(long value, Consumer<Boolean> answer) {
        if (!takesAppends()) {
            return false;
        }
        long offset = end++;
        tail.put(offset, value);
        storage.wal().append(new SharedWals.Entry(streamId, offset, value), () -> {
            durableEnd = Math.max(durableEnd, offset + 1);
            boolean isAcknowledged = intake != Intake.CLOSED && storage.member().mayServe();
            if (isAcknowledged) {
                storage.member().ledger().records().acknowledged(this, offset, value);
            }
            answer.accept(isAcknowledged);
        });
        return true;
    }

    /** What is durable and in no object. */
    TreeMap<Long, Long> uncommitted() {
        return new TreeMap<>(tail.subMap(committedEnd, durableEnd));
    }

    long committedEnd() {
        return committedEnd;
    }

    void committed(long upTo) {
        committedEnd = Math.max(committedEnd, upTo);
        tail.headMap(committedEnd).clear();
    }

    void close() {
        intake = Intake.CLOSED;
    }

    @Override
    public boolean park() {
        if (intake != Intake.OPEN) {
            return false;
        }
        intake = Intake.PARKED;
        return true;
    }

    @Override
    public void refuseParked() {}

    @Override
    public void unpark() {
        if (intake == Intake.PARKED) {
            intake = Intake.OPEN;
        }
    }

    @Override
    public boolean isSettled() {
        return intake != Intake.CLOSED && durableEnd == end && committedEnd == end;
    }

    @Override
    public String toString() {
        return id.topicPartition() + " in leader epoch " + leaderEpoch;
    }
}
