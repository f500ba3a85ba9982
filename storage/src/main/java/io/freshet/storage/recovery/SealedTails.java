// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.recovery;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import io.freshet.common.stream.StreamState;
import io.freshet.storage.tail.RecoveredRecord;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.StreamTails.Opening;
import io.freshet.storage.tail.TailMemory;
import io.freshet.wal.s3.SealedWals;
import io.freshet.wal.s3.SealedWals.Holding;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings what sealed WALs hold of a stream, and no object does, into its tail when the stream is opened: records that a dead
 * owner, or this broker before a restart, acknowledged and did not live to upload. They are in no lane of this process; the
 * quorum keeps their WAL until they are committed.
 *
 * <p>They take their room in the tail's memory before they are read; streams for which there is none at present wait for
 * uploads. Safe for use by many threads.
 */
public final class SealedTails {
    private static final Logger LOG = LoggerFactory.getLogger(SealedTails.class);
    /** Share of the tail's memory that is filled; the rest is left to appends, unless one stream alone needs it. */
    private static final double ROOM = 0.75;

    /** What a record takes besides its payload, at most. */
    private static final int OVERHEAD_BYTES = 512;

    private static final long ROOM_PAUSE_MS = 100;

    private final Optional<SealedWals> wals;
    private final TailMemory memory;
    private final Scheduler scheduler;
    private final Runnable makeRoom;
    private final RecoverySlabs slabs = new RecoverySlabs();
    private final Counter records;
    private final Counter waits;
    private volatile boolean closed;

    /** @param makeRoom begins to upload what can be uploaded */
    public SealedTails(
            Optional<SealedWals> wals,
            TailMemory memory,
            Scheduler scheduler,
            MeterRegistry meters,
            Runnable makeRoom) {
        this.wals = wals;
        this.memory = memory;
        this.scheduler = scheduler;
        this.makeRoom = makeRoom;
        this.records = meters.counter("freshet.storage.takeover.records");
        this.waits = meters.counter("freshet.storage.takeover.waits");
    }

    /** End of what sealed WALs hold of the stream; −1 if they hold nothing of it. */
    public static long endOffset(Optional<SealedWals> wals, long streamId) {
        return wals.map(all -> end(all.holding(streamId, 0))).orElse(-1L);
    }

    private static long end(List<Holding> holdings) {
        return holdings.stream().mapToLong(Holding::endOffset).max().orElse(-1);
    }

    /**
     * Fills the tail of a stream that is being opened.
     *
     * @return completes when the tail reaches as far as the sealed WALs. Fails with CORRUPT if records between are missing;
     *     FENCED if another opening began meanwhile; MISSING if a WAL was freed meanwhile (look at the manifest again);
     *     THROTTLED if the records can never fit into memory; UNAVAILABLE if the store does not answer
     */
    public CompletableFuture<Void> fill(StreamState state, Opening opening) {
        List<Holding> holdings = wals.isEmpty() ? List.of() : wals.get().holding(state.streamId(), state.endOffset());
        StreamTail tail = opening.tail();
        if (!tail.hasParked() && end(holdings) <= tail.endOffset()) {
            return CompletableFuture.completedFuture(null);
        }
        return new Filling(state, opening, holdings).read(false);
    }

    /** Streams that wait for room wait no more. */
    public void close() {
        closed = true;
    }

    /** One stream's way into memory. Its steps follow each other; records come one at a time. */
    private final class Filling {
        private final StreamState state;
        private final Opening opening;
        private final List<Holding> holdings;
        private final List<RecoveredRecord> found = new ArrayList<>();
        private boolean hasRoom;
        private boolean isOver;
        private long neededBytes;
        private long heldBytes;

        Filling(StreamState state, Opening opening, List<Holding> holdings) {
            this.state = state;
            this.opening = opening;
            this.holdings = holdings;
        }

        /** @param hasRoom whether room for all was promised */
        CompletableFuture<Void> read(boolean roomPromised) {
            hasRoom = roomPromised;
            isOver = false;
            if (!hasRoom) {
                neededBytes = 0;
            }
            CompletableFuture<?>[] reads = holdings.stream()
                    .map(holding -> wals.orElseThrow()
                            .read(
                                    holding,
                                    state.streamId(),
                                    state.endOffset(),
                                    (leaderEpoch, baseOffset, endOffset, payload) ->
                                            take(holding, leaderEpoch, baseOffset, endOffset, payload)))
                    .toArray(CompletableFuture[]::new);
            return CompletableFuture.allOf(reads)
                    .handle((nothing, error) -> {
                        if (error != null) {
                            release();
                            return CompletableFuture.<Void>failedFuture(FreshetException.of(error));
                        }
                        return isOver ? waitForRoom() : joined();
                    })
                    .thenCompose(next -> next);
        }

        private synchronized void take(
                Holding holding, int leaderEpoch, long baseOffset, long endOffset, java.nio.ByteBuffer payload) {
            long bytes = payload.remaining() + (long) OVERHEAD_BYTES;
            if (!hasRoom) {
                neededBytes += bytes;
                if (!isOver && memory.promise(bytes, roomBytes())) {
                    heldBytes += bytes;
                } else {
                    dropFound();
                    isOver = true;
                    return;
                }
            }
            found.add(new RecoveredRecord(
                    RecoveredRecord.FOREIGN,
                    "the sealed S3 WAL of broker " + holding.brokerId() + " epoch " + holding.brokerEpoch(),
                    -1,
                    leaderEpoch,
                    baseOffset,
                    endOffset,
                    TailJoin.copy(memory, slabs, payload, payload.position(), payload.remaining())));
        }

        private long roomBytes() {
            return (long) (memory.limitBytes() * ROOM);
        }

        private void dropFound() {
            found.forEach(record -> record.bytes().release());
            found.clear();
            memory.giveBack(heldBytes);
            heldBytes = 0;
        }

        private synchronized void release() {
            dropFound();
        }

        private CompletableFuture<Void> waitForRoom() {
            if (neededBytes > memory.limitBytes()) {
                return CompletableFuture.failedFuture(new FreshetException(
                        ErrorKind.THROTTLED,
                        "Stream " + state.streamId() + " has " + neededBytes
                                + " bytes in sealed S3 WALs, more than the " + memory.limitBytes()
                                + " bytes of this broker's tail cache: enlarge it"));
            }
            waits.increment();
            LOG.info(
                    "Stream {} waits for uploads: {} bytes of it in sealed S3 WALs do not fit beside {} uncommitted bytes",
                    state.streamId(),
                    neededBytes,
                    memory.uncommittedBytes());
            CompletableFuture<Void> filled = new CompletableFuture<>();
            tryAgain(filled);
            return filled;
        }

        private void tryAgain(CompletableFuture<Void> filled) {
            try {
                opening.require();
                if (closed) {
                    throw new FreshetException(ErrorKind.UNAVAILABLE, "Storage is closed; open it again");
                }
            } catch (FreshetException e) {
                filled.completeExceptionally(e);
                return;
            }
            if (memory.promise(neededBytes, Math.max(roomBytes(), Math.min(memory.limitBytes(), neededBytes)))) {
                heldBytes = neededBytes;
                read(true).whenComplete((nothing, error) -> {
                    if (error == null) {
                        filled.complete(null);
                    } else {
                        filled.completeExceptionally(error);
                    }
                });
                return;
            }
            makeRoom.run();
            scheduler.schedule(ROOM_PAUSE_MS, () -> tryAgain(filled));
        }

        private CompletableFuture<Void> joined() {
            try {
                join();
                return CompletableFuture.completedFuture(null);
            } catch (FreshetException e) {
                return CompletableFuture.failedFuture(e);
            } finally {
                memory.giveBack(heldBytes);
                heldBytes = 0;
            }
        }

        private synchronized void join() {
            StreamTail tail = opening.tail();
            synchronized (tail) { // no other opening may come between
                try {
                    opening.require();
                } catch (FreshetException e) {
                    found.forEach(record -> record.bytes().release());
                    throw e;
                }
                List<RecoveredRecord> all = new ArrayList<>(tail.takeParked());
                all.addAll(found);
                found.clear();
                TailJoin join = new TailJoin(state, tail, memory, slabs);
                List<RecoveredRecord> behindGap = join.join(all);
                records.increment(join.keptRecords());
                boolean isWhole =
                        tail.endOffset() >= end(holdings) && behindGap.stream().noneMatch(join::isPresent);
                if (isWhole) {
                    join.rejectAll(behindGap);
                } else {
                    keepParked(tail, behindGap);
                    throw gap(tail, behindGap);
                }
            }
        }

        /** Only what a lane of ours holds has to be kept: the rest is read again. */
        private void keepParked(StreamTail tail, List<RecoveredRecord> behindGap) {
            List<RecoveredRecord> ours = new ArrayList<>();
            for (RecoveredRecord record : behindGap) {
                if (record.lane() == RecoveredRecord.FOREIGN) {
                    record.bytes().release();
                } else {
                    ours.add(record);
                }
            }
            tail.park(ours);
        }

        private FreshetException gap(StreamTail tail, List<RecoveredRecord> behindGap) {
            String next = behindGap.isEmpty()
                    ? "nothing follows"
                    : behindGap.get(0).source() + " goes on at offset "
                            + behindGap.get(0).baseOffset();
            return new FreshetException(
                    ErrorKind.CORRUPT,
                    "Stream " + state.streamId() + " is committed up to offset " + state.endOffset()
                            + " and its WALs hold it up to " + tail.endOffset() + ", where " + next
                            + ". It should reach " + holdings
                            + ". Acknowledged records would be lost: bring back the broker or the objects that hold them");
        }
    }
}
