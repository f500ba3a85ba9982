// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.StreamAppend;
import io.freshet.storage.StreamLog;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.jspecify.annotations.Nullable;

/** A stream that becomes durable, refuses or fails when a test says so; it can be reopened with what was durable. */
public final class ScriptedStream implements StreamLog {
    private final int leaderEpoch;
    private final List<ByteBuffer> batches = new ArrayList<>();
    private final ArrayDeque<StreamAppend> waiting = new ArrayDeque<>();
    private @Nullable SegmentCheckpoint opened;
    private long startOffset;
    private long endOffset;
    private long durableEndOffset;
    private long uploadedEndOffset;
    public @Nullable FreshetException refusal;
    public boolean closed;
    public volatile boolean overloaded;
    private String lane = "block";

    public ScriptedStream(int leaderEpoch) {
        this.leaderEpoch = leaderEpoch;
    }

    /** What a new owner would find: everything durable, with {@code checkpoint} as the state at its end offset. */
    public ScriptedStream reopened(int newLeaderEpoch, @Nullable SegmentCheckpoint checkpoint) {
        ScriptedStream next = new ScriptedStream(newLeaderEpoch);
        next.opened = checkpoint;
        next.startOffset = startOffset;
        for (ByteBuffer bytes : batches) {
            for (MutableRecordBatch batch :
                    MemoryRecords.readableRecords(bytes.duplicate()).batches()) {
                if (batch.nextOffset() <= durableEndOffset) {
                    next.batches.add(bytes);
                    next.endOffset = batch.nextOffset();
                }
            }
        }
        next.durableEndOffset = next.endOffset;
        return next;
    }

    public void durable(int appends) {
        for (int i = 0; i < appends; i++) {
            StreamAppend append = waiting.remove();
            durableEndOffset = append.endOffset();
            append.completed(null);
        }
    }

    public void fail() {
        FreshetException failure = new FreshetException(ErrorKind.UNAVAILABLE, "the WAL failed");
        while (!waiting.isEmpty()) {
            waiting.remove().completed(failure);
        }
    }

    public int waiting() {
        return waiting.size();
    }

    @Override
    public void append(StreamAppend append) {
        if (refusal != null) {
            throw refusal;
        }
        if (append.baseOffset() != endOffset) {
            throw new FreshetException(ErrorKind.INVALID, "expected " + endOffset + ", got " + append.baseOffset());
        }
        ByteBuffer copy = ByteBuffer.allocate(append.bytes().sizeBytes());
        copy.put(append.bytes().view()).flip();
        batches.add(copy);
        waiting.add(append);
        endOffset = append.endOffset();
    }

    @Override
    public void replayTail(Consumer<ByteBuffer> visitor) {
        long from = opened == null ? startOffset : opened.endOffset();
        for (ByteBuffer bytes : batches) {
            if (bytes.getLong(0) >= from) {
                visitor.accept(bytes.duplicate());
            }
        }
    }

    @Override
    public void segmentsReplaced(long endOffset) {}

    @Override
    public Optional<SegmentCheckpoint> openedCheckpoint() {
        return Optional.ofNullable(opened);
    }

    @Override
    public long streamId() {
        return 1;
    }

    @Override
    public int leaderEpoch() {
        return leaderEpoch;
    }

    @Override
    public long startOffset() {
        return startOffset;
    }

    @Override
    public long committedEndOffset() {
        return Math.max(uploadedEndOffset, opened == null ? startOffset : opened.endOffset());
    }

    /** All that is durable is committed now. */
    public void uploaded() {
        uploadedEndOffset = durableEndOffset;
    }

    @Override
    public long durableEndOffset() {
        return durableEndOffset;
    }

    @Override
    public long endOffset() {
        return endOffset;
    }

    @Override
    public long sizeBytes() {
        return batches.stream().mapToLong(ByteBuffer::remaining).sum();
    }

    @Override
    public void useLane(String name) {
        lane = name;
    }

    @Override
    public String lane() {
        return lane;
    }

    @Override
    public boolean isOverloaded() {
        return overloaded;
    }

    @Override
    public CompletableFuture<StreamRead> read(long offset, int maxBytes, long maxOffset, boolean minOneBatch) {
        return CompletableFuture.completedFuture(StreamRead.EMPTY);
    }

    @Override
    public CompletableFuture<Optional<Long>> batchAtOrAfterTimestamp(long timestampMs, long maxOffset) {
        return CompletableFuture.completedFuture(Optional.empty());
    }

    @Override
    public CompletableFuture<Optional<Long>> batchWithMaxTimestamp(long maxOffset) {
        return CompletableFuture.completedFuture(Optional.empty());
    }

    @Override
    public CompletableFuture<Void> trim(long newStartOffset) {
        startOffset = newStartOffset;
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public List<StreamSegment> segments() {
        return List.of();
    }

    @Override
    public CompletableFuture<List<SegmentCheckpoint.AbortedTransaction>> abortedTransactions(long from, long to) {
        return CompletableFuture.completedFuture(List.of());
    }

    @Override
    public void close(boolean deleted) {
        closed = true;
        fail();
    }
}
