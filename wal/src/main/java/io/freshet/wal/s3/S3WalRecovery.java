// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import io.freshet.wal.s3.SlotFormat.SlotName;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes over the WAL of a process that is dead, or whose registration the quorum no longer honours: fences it, reads it, seals it.
 * May be the owner's successor or any other broker; several may try at once and come to the same end.
 *
 * <p>Why no acknowledged record can be lost: the owner acknowledges slot <i>n</i> only if its own object lies in every slot from
 * the start to <i>n</i>. The fence is laid with put-if-absent into the first slot that is empty, <i>f</i>. Whatever lies below
 * <i>f</i> counts; slot <i>f</i> and all behind it can never be acknowledged, since the owner's put of <i>f</i> is refused however
 * late it arrives. If a slot that was empty turns out to exist when the fence is put, it came first: it counts, and the next empty
 * one is tried. The first fence in slot order is the end, whoever laid it, so that two recoverers, or one after a crash, agree.
 */
public final class S3WalRecovery {
    private static final Logger LOG = LoggerFactory.getLogger(S3WalRecovery.class);
    private static final int TRIES = 10;

    private final int writerId;
    private final int readAheadSlots;
    private final ObjectStore store;
    private final WalRegistry registry;
    private final SlotFormat format;
    private final SerialTasks tasks;
    private final Backoff backoff;
    private final SlotListing listing;

    /**
     * @param writerId broker that recovers; it signs the fences
     * @param readAheadSlots slots read at a time
     */
    public S3WalRecovery(
            int writerId,
            int readAheadSlots,
            ObjectStore store,
            WalRegistry registry,
            SlotFormat format,
            S3WalServices services) {
        this(writerId, readAheadSlots, store, registry, format, new SerialTasks(services.executor()), services);
    }

    S3WalRecovery(
            int writerId,
            int readAheadSlots,
            ObjectStore store,
            WalRegistry registry,
            SlotFormat format,
            SerialTasks tasks,
            S3WalServices services) {
        this.writerId = writerId;
        this.readAheadSlots = readAheadSlots;
        this.store = store;
        this.registry = registry;
        this.format = format;
        this.tasks = tasks;
        this.backoff = new Backoff(tasks, services.scheduler(), services.randomness());
        this.listing = new SlotListing(store, backoff);
    }

    /**
     * Fences {@code wal} unless it is sealed, gives its records to {@code visitor} in slot order, the first slot's at
     * {@code firstLsn}, and seals it. The quorum must already refuse trims by the WAL's owner. Never blocks; the visitor runs on
     * the executor of the services, one call at a time. An exception from the visitor ends the recovery.
     *
     * <p>Someone else may seal and free the same WAL meanwhile. Then it holds nothing that is not in objects: whatever the
     * visitor has seen of it is committed, and the result is empty.
     *
     * @return completes when the seal is durable; fails with CORRUPT, naming the slot, if one that counts is missing or damaged
     */
    public CompletableFuture<RecoveredWal> recover(WalState wal, long firstLsn, RecoveryVisitor visitor) {
        if (wal.isFreed()) {
            return CompletableFuture.completedFuture(freed(wal, firstLsn));
        }
        return listing.list(wal.brokerId(), wal.brokerEpoch(), wal.startSlot())
                .thenCompose(slots -> endOf(wal, slots).thenCompose(end -> read(wal, slots, end, firstLsn, visitor)))
                .thenCompose(recovered -> seal(wal, recovered))
                .exceptionallyCompose(error -> unlessFreed(wal, firstLsn, FreshetException.of(error)));
    }

    /**
     * Fences and seals {@code wal} unless that was done; its records stay where they are, for {@link SealedWals}. Never blocks.
     * Whoever else seals it meanwhile comes to the same end.
     *
     * @return completes when this process has seen a seal, or that the WAL is retired; fails as {@link #recover}
     */
    public CompletableFuture<Void> seal(WalState wal) {
        if (wal.isSealed()) {
            return CompletableFuture.completedFuture(null);
        }
        return recover(wal, 0, (lsn, streamId, leaderEpoch, baseOffset, endOffset, payload) -> {})
                .<Void>thenApply(recovered -> null)
                .exceptionallyCompose(error -> unlessSealed(wal, FreshetException.of(error)));
    }

    /** A seal that another made of the WAL as it was a little earlier or later is as good. */
    private CompletableFuture<Void> unlessSealed(WalState wal, FreshetException failure) {
        return backoff.repeat(TRIES, () -> registry.refreshed(wal.brokerId(), wal.brokerEpoch()))
                .thenCompose(present -> present.isEmpty() || present.get().isSealed()
                        ? CompletableFuture.<Void>completedFuture(null)
                        : CompletableFuture.<Void>failedFuture(failure));
    }

    private CompletableFuture<RecoveredWal> unlessFreed(WalState wal, long firstLsn, FreshetException failure) {
        if (failure.kind() != ErrorKind.CORRUPT && failure.kind() != ErrorKind.INVALID) {
            return CompletableFuture.failedFuture(failure);
        }
        return backoff.repeat(TRIES, () -> registry.refreshed(wal.brokerId(), wal.brokerEpoch()))
                .thenCompose(present -> {
                    boolean isFreed = present.isEmpty() || present.get().isFreed();
                    return isFreed
                            ? CompletableFuture.completedFuture(freed(present.orElse(wal), firstLsn))
                            : CompletableFuture.failedFuture(failure);
                });
    }

    private static RecoveredWal freed(WalState wal, long firstLsn) {
        return new SlotReads.Builder(wal, firstLsn).build(wal.startSlot());
    }

    private CompletableFuture<Long> endOf(WalState wal, NavigableMap<Long, Long> slots) {
        if (wal.isSealed()) {
            return CompletableFuture.completedFuture(wal.sealedEndSlot());
        }
        return backoff.repeat(TRIES, () -> registry.reserveObjectIds(1))
                .thenCompose((IdRange id) -> fence(wal, slots, wal.startSlot(), id.first()));
    }

    /** Lays the fence into the first empty slot from {@code fromSlot} on; completes with that slot. */
    private CompletableFuture<Long> fence(WalState wal, NavigableMap<Long, Long> slots, long fromSlot, long nonce) {
        long hole = fromSlot;
        while (slots.containsKey(hole)) {
            hole++;
        }
        SlotKey key = new SlotKey(wal.brokerId(), wal.brokerEpoch(), hole);
        String name = SlotWrite.keyOf(key);
        long slot = hole;
        return backoff.<PutOutcome>repeat(
                        TRIES,
                        () -> store.putIfAbsent(
                                name,
                                format.fence(new SlotName(key, writerId, nonce)).body()))
                .thenCompose(outcome -> {
                    if (outcome == PutOutcome.CREATED) {
                        LOG.info(
                                "Fenced the S3 WAL of broker {} epoch {} at slot {}",
                                wal.brokerId(),
                                wal.brokerEpoch(),
                                slot);
                        return CompletableFuture.completedFuture(slot);
                    }
                    return cameFirst(wal, slots, slot, name, nonce);
                });
    }

    /** The slot exists after all: a slot of the owner, another's fence, or our own after a lost answer. Reading will tell. */
    private CompletableFuture<Long> cameFirst(
            WalState wal, NavigableMap<Long, Long> slots, long slot, String name, long nonce) {
        return backoff.<Optional<ObjectStat>>repeat(TRIES, () -> store.stat(name))
                .thenCompose(stat -> {
                    if (stat.isEmpty()) {
                        return CompletableFuture.failedFuture(new FreshetException(
                                ErrorKind.CORRUPT,
                                "Slot '" + name + "' was said to exist and is not there: the store does not keep"
                                        + " put-if-absent; check it before anything else"));
                    }
                    slots.put(slot, stat.get().sizeBytes());
                    return isFence(wal, slot, stat.get().sizeBytes())
                            .thenCompose(isFence -> isFence
                                    ? CompletableFuture.completedFuture(slot)
                                    : fence(wal, slots, slot + 1, nonce));
                });
    }

    private CompletableFuture<Boolean> isFence(WalState wal, long slot, long sizeBytes) {
        return new SlotReads(store, format, tasks, backoff, 1).isFence(wal, slot, sizeBytes);
    }

    private CompletableFuture<RecoveredWal> read(
            WalState wal, NavigableMap<Long, Long> slots, long endSlot, long firstLsn, RecoveryVisitor visitor) {
        return new SlotReads(store, format, tasks, backoff, readAheadSlots)
                .read(wal, slots, endSlot, firstLsn, visitor);
    }

    private CompletableFuture<RecoveredWal> seal(WalState wal, RecoveredWal recovered) {
        if (wal.isSealed()) {
            return CompletableFuture.completedFuture(recovered);
        }
        WalSeal seal = new WalSeal(wal.brokerId(), wal.brokerEpoch(), recovered.endSlot(), recovered.streamEnds());
        return backoff.repeat(TRIES, () -> registry.seal(seal)).thenApply(done -> {
            LOG.info(
                    "Sealed the S3 WAL of broker {} epoch {}: slots {} to {}, {} records",
                    wal.brokerId(),
                    wal.brokerEpoch(),
                    recovered.startSlot(),
                    recovered.endSlot(),
                    recovered.recordCount());
            return recovered;
        });
    }
}
