// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.FreshetException;
import io.freshet.wal.WalEntry;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** One record of one stream. Its payload is wiped as soon as nobody may read it any more. */
final class SimEntry implements WalEntry {
    final long streamId;
    final int leaderEpoch;
    final long offset;
    final String text;
    final byte[] payload;
    final CompletableFuture<Long> lsn = new CompletableFuture<>();
    Consumer<SimEntry> onDurable = entry -> {};
    private int holds = 1;

    SimEntry(long streamId, int leaderEpoch, long offset, String text) {
        this(streamId, leaderEpoch, offset, text, text.getBytes(StandardCharsets.UTF_8));
    }

    SimEntry(long streamId, int leaderEpoch, long offset, String text, byte[] payload) {
        this.streamId = streamId;
        this.leaderEpoch = leaderEpoch;
        this.offset = offset;
        this.text = text;
        this.payload = payload;
    }

    boolean isFailed() {
        return lsn.isCompletedExceptionally();
    }

    boolean isDurable() {
        return lsn.isDone() && !isFailed();
    }

    FreshetException failure() {
        return FreshetException.of(lsn.handle((value, error) -> error).join());
    }

    @Override
    public long streamId() {
        return streamId;
    }

    @Override
    public int leaderEpoch() {
        return leaderEpoch;
    }

    @Override
    public long baseOffset() {
        return offset;
    }

    @Override
    public long endOffset() {
        return offset + 1;
    }

    @Override
    public ByteBuffer payload() {
        return ByteBuffer.wrap(payload);
    }

    @Override
    public int payloadSizeBytes() {
        return payload.length;
    }

    @Override
    public void retainPayload() {
        if (holds == 0) {
            throw new AssertionError("payload of '" + text + "' is gone already");
        }
        holds++;
    }

    @Override
    public void releasePayload() {
        holds--;
        if (holds == 0) {
            Arrays.fill(payload, (byte) '#');
        }
    }

    boolean isReleased() {
        return holds == 0;
    }

    @Override
    public void onDurable(long at) {
        if (!lsn.complete(at)) {
            throw new IllegalStateException("completed twice");
        }
        onDurable.accept(this);
        releasePayload();
    }

    @Override
    public void onFailed(FreshetException cause) {
        if (!lsn.completeExceptionally(cause)) {
            throw new IllegalStateException("completed twice");
        }
        releasePayload();
    }
}
