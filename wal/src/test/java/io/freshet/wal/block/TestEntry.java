// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.FreshetException;
import io.freshet.wal.WalEntry;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** An entry whose payload follows from its stream, offset and size; its outcome is a future. */
final class TestEntry implements WalEntry {
    private final long streamId;
    private final long baseOffset;
    private final byte[] payload;
    final CompletableFuture<Long> lsn = new CompletableFuture<>();

    TestEntry(long streamId, long baseOffset, int sizeBytes) {
        this.streamId = streamId;
        this.baseOffset = baseOffset;
        this.payload = payload(streamId, baseOffset, sizeBytes);
    }

    static byte[] payload(long streamId, long baseOffset, int sizeBytes) {
        byte[] bytes = new byte[sizeBytes];
        new Random(streamId * 31 + baseOffset).nextBytes(bytes);
        return bytes;
    }

    Seen expected() {
        return new Seen(lsn.join(), streamId, leaderEpoch(), baseOffset, endOffset(), ByteBuffer.wrap(payload));
    }

    Seen withoutLsn() {
        return new Seen(-1, streamId, leaderEpoch(), baseOffset, endOffset(), ByteBuffer.wrap(payload));
    }

    @Override
    public long streamId() {
        return streamId;
    }

    @Override
    public int leaderEpoch() {
        return (int) (streamId % 7);
    }

    @Override
    public long baseOffset() {
        return baseOffset;
    }

    @Override
    public long endOffset() {
        return baseOffset + 3;
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
    public void onDurable(long at) {
        if (!lsn.complete(at)) {
            throw new IllegalStateException("completed twice");
        }
    }

    @Override
    public void onFailed(FreshetException cause) {
        if (!lsn.completeExceptionally(cause)) {
            throw new IllegalStateException("completed twice");
        }
    }

    /** A record as recovery showed it. */
    record Seen(long lsn, long streamId, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload) {
        Seen withoutLsn() {
            return new Seen(-1, streamId, leaderEpoch, baseOffset, endOffset, payload);
        }
    }
}
