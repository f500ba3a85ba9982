// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.WalState;
import io.freshet.objectstore.ObjectStore;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import io.freshet.wal.s3.SlotFormat.SlotContent;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Reads the slots of one dead WAL in order, a few of them ahead, verifies each and gives its records away. A slot that does not
 * verify is read again before it is believed: damage on the way is more likely than at rest. One instance reads one WAL; used by
 * tasks only.
 */
final class SlotReads {
    private static final int TRIES = 10;
    private static final int READS_OF_DAMAGED_SLOT = 3;
    private static final long READ_AHEAD_BYTES = 64L << 20;
    private static final LongPredicate ALL = slot -> true;

    private final ObjectStore store;
    private final SlotFormat format;
    private final SerialTasks tasks;
    private final Backoff backoff;
    private final int readAheadSlots;
    private final long readAheadBytes;
    private final ArrayDeque<Read> ahead = new ArrayDeque<>();
    private long aheadBytes;
    private long nextSlot;
    private LongPredicate wanted = ALL;

    SlotReads(ObjectStore store, SlotFormat format, SerialTasks tasks, Backoff backoff, int readAheadSlots) {
        this(store, format, tasks, backoff, readAheadSlots, READ_AHEAD_BYTES);
    }

    SlotReads(
            ObjectStore store,
            SlotFormat format,
            SerialTasks tasks,
            Backoff backoff,
            int readAheadSlots,
            long readAheadBytes) {
        this.store = store;
        this.format = format;
        this.tasks = tasks;
        this.backoff = backoff;
        this.readAheadSlots = readAheadSlots;
        this.readAheadBytes = readAheadBytes;
    }

    private record Read(SlotKey key, long sizeBytes, CompletableFuture<ByteBuffer> bytes) {}

    /** What a recovery has gathered so far. */
    static final class Builder {
        private final WalState wal;
        private final long firstLsn;
        private final List<Long> slotBytes = new ArrayList<>();
        private final Map<Long, Long> streamEnds = new HashMap<>();
        private long recordCount;

        Builder(WalState wal, long firstLsn) {
            this.wal = wal;
            this.firstLsn = firstLsn;
        }

        RecoveredWal build(long endSlot) {
            return new RecoveredWal(
                    wal.brokerId(),
                    wal.brokerEpoch(),
                    wal.startSlot(),
                    endSlot,
                    firstLsn,
                    slotBytes,
                    streamEnds,
                    recordCount);
        }
    }

    /** Reads slots up to {@code endSlot}, or to the first fence where the WAL is not sealed. */
    CompletableFuture<RecoveredWal> read(
            WalState wal, NavigableMap<Long, Long> sizes, long endSlot, long firstLsn, RecoveryVisitor visitor) {
        return read(wal, sizes, endSlot, firstLsn, ALL, visitor);
    }

    /** The same, but only of the slots that are wanted, which is asked when their turn to be read comes. */
    CompletableFuture<RecoveredWal> read(
            WalState wal,
            NavigableMap<Long, Long> sizes,
            long endSlot,
            long firstLsn,
            LongPredicate isWanted,
            RecoveryVisitor visitor) {
        CompletableFuture<RecoveredWal> result = new CompletableFuture<>();
        nextSlot = wal.startSlot();
        wanted = isWanted;
        Builder builder = new Builder(wal, firstLsn);
        tasks.execute(() -> next(builder, sizes, endSlot, visitor, result));
        return result;
    }

    private void next(
            Builder builder,
            NavigableMap<Long, Long> sizes,
            long endSlot,
            RecoveryVisitor visitor,
            CompletableFuture<RecoveredWal> result) {
        try {
            readAhead(builder.wal, sizes, endSlot);
        } catch (FreshetException e) {
            result.completeExceptionally(e);
            return;
        }
        Read read = ahead.poll();
        if (read == null) {
            result.complete(builder.build(endSlot));
            return;
        }
        aheadBytes -= read.sizeBytes;
        read.bytes
                .thenCompose(bytes -> visit(read, bytes, builder, visitor, 1))
                .whenComplete((content, error) -> tasks.execute(() -> {
                    if (error != null) {
                        result.completeExceptionally(FreshetException.unwrap(error));
                    } else if (!content.isFence()) {
                        builder.slotBytes.add(read.sizeBytes);
                        builder.recordCount += content.recordCount();
                        next(builder, sizes, endSlot, visitor, result);
                    } else if (builder.wal.isSealed()) {
                        result.completeExceptionally(
                                damaged(read.key, "holds a fence although the WAL was sealed at slot " + endSlot));
                    } else {
                        result.complete(builder.build(read.key.slot()));
                    }
                }));
    }

    private void readAhead(WalState wal, NavigableMap<Long, Long> sizes, long endSlot) {
        while (nextSlot < endSlot && ahead.size() < readAheadSlots) {
            if (!wanted.test(nextSlot)) {
                nextSlot++;
                continue;
            }
            SlotKey key = new SlotKey(wal.brokerId(), wal.brokerEpoch(), nextSlot);
            Long size = sizes.get(nextSlot);
            if (size == null) {
                if (ahead.isEmpty()) {
                    throw damaged(key, "is missing although the WAL goes on to slot " + endSlot);
                }
                return;
            }
            if (!ahead.isEmpty() && aheadBytes + size > readAheadBytes) {
                return;
            }
            ahead.add(new Read(key, size, bytesOf(key, size)));
            aheadBytes += size;
            nextSlot++;
        }
    }

    private CompletableFuture<ByteBuffer> bytesOf(SlotKey key, long sizeBytes) {
        if (sizeBytes > Integer.MAX_VALUE) {
            return CompletableFuture.failedFuture(damaged(key, "has " + sizeBytes + " bytes, more than any slot"));
        }
        return backoff.<ByteBuffer>repeat(TRIES, () -> {
                    ByteBuffer target = ByteBuffer.allocate((int) sizeBytes);
                    return store.read(SlotWrite.keyOf(key), 0, target).thenApply(read -> target.flip());
                })
                .exceptionallyCompose(error -> {
                    FreshetException failure = FreshetException.of(error);
                    boolean isGone = failure.kind() == ErrorKind.MISSING;
                    return CompletableFuture.failedFuture(isGone ? damaged(key, "has vanished", failure) : failure);
                });
    }

    /** Verifies and visits; reads again what does not verify. */
    private CompletableFuture<SlotContent> visit(
            Read read, ByteBuffer bytes, Builder builder, RecoveryVisitor visitor, int reads) {
        long lsn = builder.firstLsn + (read.key.slot() - builder.wal.startSlot());
        long[] visited = {0};
        RecoveryVisitor noting = (at, streamId, leaderEpoch, baseOffset, endOffset, payload) -> {
            visited[0]++;
            builder.streamEnds.put(streamId, endOffset);
            visitor.record(at, streamId, leaderEpoch, baseOffset, endOffset, payload);
        };
        FreshetException damage;
        try {
            SlotContent content = format.read(read.key, bytes, lsn, noting);
            if (content.isFence() || content.name().writerId() == read.key.brokerId()) {
                return CompletableFuture.completedFuture(content);
            }
            damage = damaged(read.key, "was written by broker " + content.name().writerId());
        } catch (FreshetException e) {
            damage = e;
        }
        if (damage.kind() != ErrorKind.CORRUPT || visited[0] > 0 || reads >= READS_OF_DAMAGED_SLOT) {
            return CompletableFuture.failedFuture(damage);
        }
        return bytesOf(read.key, read.sizeBytes).thenCompose(again -> visit(read, again, builder, visitor, reads + 1));
    }

    /** Whether a fence lies in {@code slot}; nothing is visited. */
    CompletableFuture<Boolean> isFence(WalState wal, long slot, long sizeBytes) {
        Read read = new Read(
                new SlotKey(wal.brokerId(), wal.brokerEpoch(), slot),
                sizeBytes,
                CompletableFuture.completedFuture(ByteBuffer.allocate(0)));
        Builder unused = new Builder(wal, 0);
        return bytesOf(read.key, sizeBytes)
                .thenCompose(bytes -> visit(read, bytes, unused, (l, s, e, b, n, p) -> {}, 1))
                .thenApply(SlotContent::isFence);
    }

    private static FreshetException damaged(SlotKey key, String how) {
        return damaged(key, how, null);
    }

    private static FreshetException damaged(SlotKey key, String how, @Nullable Throwable cause) {
        return new FreshetException(
                ErrorKind.CORRUPT,
                "Slot '" + SlotWrite.keyOf(key) + "' of an S3 WAL " + how
                        + ". Acknowledged records would be lost without it: restore the object from the store's versions or a"
                        + " replica, then start again",
                cause);
    }
}
