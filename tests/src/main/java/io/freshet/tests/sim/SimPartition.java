// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import io.freshet.storage.StreamAppend;
import io.freshet.storage.StreamLog;
import io.freshet.tests.sim.Ledger.Known;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One ownership of a stream: assigns offsets, knows its producers' last batches, acknowledges what is durable. Its state
 * rides in the segments' trailers, as a broker's does.
 */
final class SimPartition implements ServedPartition, SegmentCheckpoint.Source {
    private final World world;
    private final SimProcess process;
    private final long streamId;
    private final int leaderEpoch;
    private final Runnable afterAppend;
    private final Map<Long, Known> lastOfProducer = new TreeMap<>();
    private @Nullable StreamLog log;
    private boolean isDraining;
    private boolean isClosed;

    /** {@code afterAppend} is told of each append that was handed over. */
    SimPartition(World world, SimProcess process, long streamId, int leaderEpoch, Runnable afterAppend) {
        this.world = world;
        this.process = process;
        this.streamId = streamId;
        this.leaderEpoch = leaderEpoch;
        this.afterAppend = afterAppend;
    }

    long streamId() {
        return streamId;
    }

    int leaderEpoch() {
        return leaderEpoch;
    }

    @Nullable
    StreamLog log() {
        return log;
    }

    boolean isOpen() {
        return log != null && !isClosed;
    }

    boolean isClosed() {
        return isClosed;
    }

    /** Takes the stream over with the state that its objects and the WAL give. */
    void opened(StreamLog opened) {
        log = opened;
        long[] end = {opened.startOffset()};
        opened.openedCheckpoint().ifPresent(checkpoint -> {
            decode(ByteBuffer.wrap(checkpoint.producerState()));
            end[0] = checkpoint.endOffset();
        });
        boolean hasState = opened.openedCheckpoint().isPresent() || opened.startOffset() == 0;
        boolean[] isFirst = {true};
        opened.replayTail(batch -> {
            Known known = SimBatches.known(batch);
            boolean mayJump = isFirst[0] && !hasState;
            world.ledger.check(
                    known.baseOffset() == end[0] || mayJump,
                    () -> "Replay of stream " + streamId + " gives " + known + " after offset " + end[0]);
            isFirst[0] = false;
            end[0] = known.endOffset();
            lastOfProducer.put(known.producerId(), known);
        });
        world.ledger.check(
                end[0] == opened.endOffset() || (isFirst[0] && !hasState),
                () -> "Replay of stream " + streamId + " ends at " + end[0] + ", the stream at " + opened.endOffset());
        world.time.note(process, "opens stream", streamId, opened.endOffset());
        world.ledger.opened(streamId, leaderEpoch, opened.endOffset());
    }

    void close() {
        isClosed = true;
        StreamLog open = log;
        if (open != null) {
            open.close(false);
        }
    }

    /** This ownership is over; the stream is or will be opened under another. */
    void supersede() {
        isClosed = true;
    }

    /** No more appends: the stream is about to move. False if it is already: one order at a time, whose refusal ends the drain. */
    boolean drain() {
        boolean isFirst = !isDraining;
        isDraining = true;
        return isFirst;
    }

    /** The stream does not move after all. */
    void goOn() {
        isDraining = false;
    }

    /** Whether nothing is left that only this broker has. */
    boolean isDrained() {
        StreamLog open = log;
        return isDraining && open != null && !isClosed && open.committedEndOffset() == open.endOffset();
    }

    @Override
    public void produce(ByteBuffer batch, Consumer<Reply> reply) {
        StreamLog open = log;
        if (open == null || isClosed) {
            reply.accept(Reply.of(Reply.Kind.NOT_LEADER));
            return;
        }
        Known sent = SimBatches.known(batch);
        Known last = lastOfProducer.get(sent.producerId());
        if (last != null && last.sequence() == sent.sequence()) {
            boolean isDurable = open.durableEndOffset() >= last.endOffset();
            if (isDurable) {
                world.ledger.durable(streamId, leaderEpoch, last);
            }
            reply.accept(isDurable ? new Reply(Reply.Kind.DONE, last, List.of(), -1) : Reply.of(Reply.Kind.RETRY));
            return;
        }
        boolean isNext = sent.sequence() == (last == null ? 0 : last.nextSequence());
        boolean isStateUnknown = last == null && open.startOffset() > 0;
        if (isDraining || !(isNext || isStateUnknown)) {
            world.time.say(process, () -> "does not take " + sent + " after " + last + ", draining " + isDraining);
            reply.accept(Reply.of(Reply.Kind.RETRY));
            return;
        }
        append(open, batch, reply);
    }

    private void append(StreamLog open, ByteBuffer batch, Consumer<Reply> reply) {
        ByteBuffer placed = SimBatches.placed(batch, open.endOffset(), leaderEpoch);
        Known known = SimBatches.known(placed);
        SharedBytes bytes = new CountedBytes(placed);
        try {
            open.append(new StreamAppend(known.baseOffset(), known.endOffset(), placed.getLong(35), bytes) {
                @Override
                public void completed(@Nullable FreshetException failure) {
                    answered(open, known, failure, reply);
                }
            });
            lastOfProducer.put(known.producerId(), known);
            afterAppend.run();
        } catch (FreshetException e) {
            world.counts.add("append refused: " + e.kind());
            world.time.say(process, () -> "append refused: " + e);
            if (e.kind() == ErrorKind.FENCED || e.kind() == ErrorKind.UNAVAILABLE) {
                isClosed = true;
            }
            reply.accept(Reply.of(Reply.Kind.RETRY));
        } finally {
            bytes.release();
        }
    }

    private void answered(StreamLog open, Known known, @Nullable FreshetException failure, Consumer<Reply> reply) {
        if (failure != null) {
            isClosed = true;
            reply.accept(Reply.of(Reply.Kind.RETRY));
            return;
        }
        world.time.note(process, "acknowledges", streamId, known.baseOffset());
        world.ledger.check(
                open.durableEndOffset() >= known.endOffset(),
                () -> "Stream " + streamId + ": " + known + " is acknowledged, the high watermark is only "
                        + open.durableEndOffset());
        world.ledger.durable(streamId, leaderEpoch, known);
        reply.accept(new Reply(Reply.Kind.DONE, known, List.of(), -1));
    }

    @Override
    public void fetch(long offset, int maxBytes, Consumer<Reply> reply) {
        StreamLog open = log;
        if (open == null || isClosed) {
            reply.accept(Reply.of(Reply.Kind.NOT_LEADER));
            return;
        }
        new ReadsOfStream(world, process, streamId)
                .fetch(
                        offset,
                        open.startOffset(),
                        open.durableEndOffset(),
                        highWatermark -> open.read(offset, maxBytes, highWatermark, true),
                        open::startOffset,
                        reply);
    }

    @Override
    public SegmentCheckpoint checkpoint() {
        StreamLog open = java.util.Objects.requireNonNull(log);
        return new SegmentCheckpoint(open.endOffset(), List.of(new EpochStart(leaderEpoch, 0)), encode(), List.of());
    }

    private byte[] encode() {
        ByteBuffer out = ByteBuffer.allocate(4 + 36 * lastOfProducer.size()).putInt(lastOfProducer.size());
        lastOfProducer
                .values()
                .forEach(known -> out.putLong(known.baseOffset())
                        .putLong(known.endOffset())
                        .putLong(known.producerId())
                        .putInt(known.sequence())
                        .putInt(known.crc()));
        return java.util.Arrays.copyOf(out.array(), out.position());
    }

    private void decode(ByteBuffer in) {
        int count = in.getInt();
        for (int i = 0; i < count; i++) {
            Known known = new Known(in.getLong(), in.getLong(), in.getLong(), in.getInt(), in.getInt());
            lastOfProducer.put(known.producerId(), known);
        }
    }
}
