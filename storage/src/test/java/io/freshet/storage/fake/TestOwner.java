// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import io.freshet.storage.StreamAppend;
import io.freshet.storage.StreamLog;
import io.freshet.storage.format.BatchHeader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A stream's owner and the model that it is held against: every batch it appended and how far it was acknowledged. Its state
 * is the count of batches up to an offset, so that a checkpoint or a replay that is off shows.
 */
public final class TestOwner implements SegmentCheckpoint.Source {
    private final long streamId;
    private final ByteLedger ledger;
    private final Random random;
    private final List<ByteBuffer> batches = new ArrayList<>();
    private @Nullable StreamLog log;
    private long endOffset;
    private long acknowledgedEnd;
    private long timestampMs = 1000;
    private @Nullable FreshetException lastFailure;

    public TestOwner(long streamId, ByteLedger ledger, Random random) {
        this.streamId = streamId;
        this.ledger = ledger;
        this.random = random;
    }

    public long streamId() {
        return streamId;
    }

    public StreamLog log() {
        return java.util.Objects.requireNonNull(log);
    }

    public List<ByteBuffer> batches() {
        return batches;
    }

    public long endOffset() {
        return endOffset;
    }

    public long acknowledgedEnd() {
        return acknowledgedEnd;
    }

    public @Nullable FreshetException lastFailure() {
        return lastFailure;
    }

    /** The batches that end after {@code from} and begin below {@code to}. */
    public List<ByteBuffer> expected(long from, long to) {
        return batches.stream()
                .filter(b -> BatchHeader.endOffset(b, 0) > from && b.getLong(0) < to)
                .toList();
    }

    /** Takes the stream over: checks what was found against the model and cuts the model to what survived. */
    public void opened(StreamLog opened) {
        log = opened;
        long found = opened.endOffset();
        if (found < acknowledgedEnd) {
            throw new AssertionError("Stream " + streamId + " ends at " + found + ", acknowledged " + acknowledgedEnd);
        }
        acknowledgedEnd = Math.max(acknowledgedEnd, opened.durableEndOffset());
        batches.removeIf(batch -> batch.getLong(0) >= found);
        endOffset = found;
        checkState(opened);
        lastFailure = null;
    }

    private void checkState(StreamLog opened) {
        long[] count = {0};
        long[] end = {opened.startOffset()};
        opened.openedCheckpoint().ifPresent(checkpoint -> {
            count[0] = ByteBuffer.wrap(checkpoint.producerState()).getLong();
            end[0] = checkpoint.endOffset();
        });
        opened.replayTail(batch -> {
            if (batch.getLong(0) != end[0]) {
                throw new AssertionError(
                        "Replay of stream " + streamId + " gives " + batch.getLong(0) + " after " + end[0]);
            }
            end[0] = BatchHeader.endOffset(batch, 0);
            count[0]++;
        });
        boolean isStateLost = opened.openedCheckpoint().isEmpty() && opened.startOffset() > 0;
        if (end[0] != endOffset || (!isStateLost && count[0] != batches.size())) {
            throw new AssertionError("State of stream " + streamId + " is " + count[0] + " batches up to " + end[0]
                    + ", expected " + batches.size() + " up to " + endOffset);
        }
    }

    /** Appends {@code count} batches as one append; throws what the stream throws, then nothing has changed. */
    public void append(int count, int maxFillerBytes) {
        List<ByteBuffer> added = new ArrayList<>();
        long next = endOffset;
        long time = timestampMs;
        for (int i = 0; i < count; i++) {
            int records = 1 + random.nextInt(5);
            added.add(TestBatches.batch(next, records, time, random.nextInt(maxFillerBytes + 1), random));
            next += records;
            time += records;
        }
        SharedBytes bytes = ledger.counted(TestBatches.concat(added));
        try {
            long base = endOffset;
            batches.addAll(added);
            endOffset = next;
            long end = next;
            log().append(new StreamAppend(base, end, time - 1, bytes) {
                @Override
                public void completed(@Nullable FreshetException failure) {
                    if (failure == null) {
                        acknowledgedEnd = end;
                    } else {
                        lastFailure = failure;
                    }
                }
            });
            timestampMs = time;
        } catch (FreshetException e) {
            batches.subList(batches.size() - added.size(), batches.size()).clear();
            endOffset = added.get(0).getLong(0);
            throw e;
        } finally {
            bytes.release();
        }
    }

    @Override
    public SegmentCheckpoint checkpoint() {
        return new SegmentCheckpoint(
                endOffset,
                List.of(new EpochStart(log().leaderEpoch(), 0)),
                ByteBuffer.allocate(8).putLong(batches.size()).array(),
                List.of());
    }
}
