// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.broker.partition.Ownership;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.Manifests;
import io.freshet.storage.StorageParts;
import io.freshet.storage.StreamLog;
import io.freshet.storage.StreamStorage;
import io.freshet.storage.format.SlotObjects;
import io.freshet.wal.s3.RecoveredWal;
import io.freshet.wal.s3.S3WalRecovery;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.metadata.BrokerRegistration;

/**
 * Brings what dead brokers' S3 WALs hold of streams that this process owns now into objects: the WALs are fenced, read and
 * sealed, and their records committed under the new leader epoch by a storage of its own. Only then the streams may be opened.
 */
final class Takeover {
    private static final long RETRY_MS = 200;
    private static final int READ_AHEAD_SLOTS = 3;

    private final World world;
    private final SimProcess process;
    private final SimFollower follower;
    private final Ownership ownership;
    private final ProcessStorage storage;
    /** Stream id to the leader epoch under which all of its past is committed. */
    private final Map<Long, Integer> done = new HashMap<>();

    private boolean isRunning;

    Takeover(World world, SimProcess process, SimFollower follower, Ownership ownership, ProcessStorage storage) {
        this.world = world;
        this.process = process;
        this.follower = follower;
        this.ownership = ownership;
        this.storage = storage;
    }

    /** Whether a dead broker's WAL may hold records of this stream that are not committed. */
    boolean isNeeded(StreamState state) {
        return world.allowsTakeover()
                && done.getOrDefault(state.streamId(), -1) < state.leaderEpoch()
                && deadWals().stream().anyMatch(wal -> mayHold(wal, state, true));
    }

    private Manifests manifests() {
        return follower.state().manifests();
    }

    /** Other brokers' WALs whose owners are not registered any more. */
    private List<WalState> deadWals() {
        return manifests().wals().stream()
                .filter(wal -> wal.brokerId() != ownership.brokerId() && !isAlive(wal))
                .toList();
    }

    private boolean isAlive(WalState wal) {
        BrokerRegistration owner = follower.state().image().cluster().broker(wal.brokerId());
        return owner != null && owner.epoch() == wal.brokerEpoch();
    }

    private boolean mayHold(WalState wal, StreamState state, boolean ifUnsealed) {
        return manifests()
                .walSeal(wal.brokerId(), wal.brokerEpoch())
                .map(seal -> seal.streamEnds().getOrDefault(state.streamId(), 0L) > state.endOffset())
                .orElse(ifUnsealed);
    }

    /** Takes these streams over, one set at a time; {@code then} runs when that has ended, well or not. */
    void run(List<StreamState> streams, Runnable then) {
        if (isRunning) {
            return;
        }
        isRunning = true;
        world.counts.add("dead broker's WAL is taken over");
        RecoveredRecords found = new RecoveredRecords();
        S3WalRecovery recovery = new S3WalRecovery(
                ownership.brokerId(),
                READ_AHEAD_SLOTS,
                storage.objects(),
                storage.ports().wals(),
                new SlotObjects(ProcessStorage.BLOCK_BYTES),
                storage.slotServices());
        CompletableFuture<Long> read = CompletableFuture.completedFuture(0L);
        List<WalState> dead = deadWals();
        for (WalState wal : dead) {
            world.time.note(process, "takes over WAL of", wal.brokerId(), wal.brokerEpoch());
            read = read.thenCompose(lsn -> recovery.recover(wal, lsn, found)).thenApply(RecoveredWal::endLsn);
        }
        read.thenCompose(endLsn -> commit(streams, dead, found, endLsn)).whenComplete((nothing, error) -> {
            if (error != null) {
                FreshetException cause = FreshetException.of(error);
                world.counts.add("takeover fails: " + cause.kind());
                world.time.say(process, () -> "takeover fails: " + cause);
            }
            process.after(error == null ? 0 : RETRY_MS, "takeover has ended", () -> {
                isRunning = false;
                then.run();
            });
        });
    }

    /** These WALs are sealed now: their seals say which of the streams they hold. */
    private CompletableFuture<Void> commit(
            List<StreamState> streams, List<WalState> dead, RecoveredRecords found, long endLsn) {
        List<StreamState> held = new ArrayList<>();
        for (StreamState state : streams) {
            if (dead.stream().anyMatch(wal -> mayHold(wal, state, false))) {
                held.add(state);
            } else {
                done.put(state.streamId(), state.leaderEpoch());
            }
        }
        return held.isEmpty() ? CompletableFuture.completedFuture(null) : upload(held, found, endLsn);
    }

    private CompletableFuture<Void> upload(List<StreamState> held, RecoveredRecords found, long endLsn) {
        StreamStorage beside = storage.beside(new StorageParts.Lane("dead", visitor -> found.replay(endLsn, visitor)));
        List<CompletableFuture<StreamLog>> opening = new ArrayList<>();
        for (StreamState state : held) {
            SimPartition partition = new SimPartition(world, process, state.streamId(), state.leaderEpoch(), () -> {});
            opening.add(beside.open(state.streamId(), state.leaderEpoch(), partition)
                    .thenApply(log -> {
                        partition.opened(log);
                        return log;
                    }));
        }
        return CompletableFuture.allOf(opening.toArray(CompletableFuture[]::new))
                .thenCompose(all -> beside.uploadNow())
                .thenRun(() -> opening.forEach(opened -> opened.thenAccept(this::taken)))
                .whenComplete((nothing, error) -> process.after(0, "takeover", beside::close));
    }

    private void taken(StreamLog log) {
        if (log.committedEndOffset() == log.endOffset()) {
            world.counts.add("stream is taken over");
            done.put(log.streamId(), log.leaderEpoch());
        }
    }
}
