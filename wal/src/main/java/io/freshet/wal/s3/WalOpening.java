// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.stream.WalState;
import io.freshet.objectstore.ObjectStore;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One opening of a lane: recovers the WALs of earlier registrations, oldest first, or only seals them, then registers the new
 * one.
 */
final class WalOpening {
    private static final int TRIES = 10;

    private final S3WalConfig config;
    private final WalRegistry registry;
    private final @Nullable RecoveryVisitor visitor;
    private final SerialTasks tasks;
    private final Clock clock;
    private final Backoff backoff;
    private final S3WalRecovery recovery;
    private final List<RecoveredWal> recovered = new ArrayList<>();
    private long endLsn;
    private FenceWatch.@Nullable Proof proof;

    /** @param visitor null if earlier WALs are only to be sealed */
    WalOpening(
            S3WalConfig config,
            ObjectStore store,
            WalRegistry registry,
            SlotFormat format,
            @Nullable RecoveryVisitor visitor,
            SerialTasks tasks,
            S3WalServices services) {
        this.config = config;
        this.registry = registry;
        this.visitor = visitor;
        this.tasks = tasks;
        this.clock = services.clock();
        this.backoff = new Backoff(tasks, services.scheduler(), services.randomness());
        this.recovery = new S3WalRecovery(
                config.brokerId(), config.flight().readAheadSlots(), store, registry, format, tasks, services);
    }

    /** Completes, as a task, with the WALs that were recovered. */
    CompletableFuture<List<RecoveredWal>> run() {
        return CompletableFuture.supplyAsync(() -> registry.wals(config.brokerId()), tasks)
                .thenCompose(wals -> {
                    wals.forEach(this::checkIsOlder);
                    return recoverAll(wals);
                })
                .thenCompose(done -> {
                    proof = FenceWatch.Proof.now(clock);
                    return backoff.repeat(TRIES, () -> registry.open(config.brokerId(), config.brokerEpoch()));
                })
                .thenApplyAsync(opened -> List.copyOf(recovered), tasks);
    }

    private void checkIsOlder(WalState wal) {
        if (wal.brokerEpoch() > config.brokerEpoch()) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    "Broker " + config.brokerId() + " epoch " + config.brokerEpoch()
                            + " cannot open its S3 WAL: epoch " + wal.brokerEpoch()
                            + " has one already; register again");
        }
        if (wal.brokerEpoch() == config.brokerEpoch()) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Broker " + config.brokerId() + " epoch " + config.brokerEpoch()
                            + " has opened its S3 WAL before, and slots are never written twice; register again");
        }
    }

    private CompletableFuture<Void> recoverAll(List<WalState> wals) {
        CompletableFuture<Void> done = CompletableFuture.completedFuture(null);
        RecoveryVisitor receiver = visitor;
        for (WalState wal : wals) {
            if (receiver == null) {
                done = done.thenCompose(former -> recovery.seal(wal));
                continue;
            }
            done = done.thenCompose(former -> recovery.recover(wal, endLsn, receiver))
                    .thenAcceptAsync(
                            result -> {
                                recovered.add(result);
                                endLsn = result.endLsn();
                            },
                            tasks);
        }
        return done;
    }

    /**
     * When nobody can have fenced the new WAL yet, as the quorum did not know of it; valid once {@link #run} has completed.
     * Taken before the quorum was asked: a process may sleep between its answer and whatever comes next.
     */
    FenceWatch.Proof proof() {
        return Objects.requireNonNull(proof);
    }

    /** LSN after the last recovered record; valid once {@link #run} has completed. */
    long endLsn() {
        return endLsn;
    }
}
