// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The quorum as the S3 lane sees it. Reads are local and see every command whose future this process has seen complete.
 * Commands are idempotent; they fail with FENCED (a newer registration of the caller), UNAVAILABLE (no leader answers) or
 * INDETERMINATE (outcome unknown: repeat).
 */
public interface WalRegistry {
    /** WALs of one broker id that are not retired, ascending by broker epoch. */
    List<WalState> wals(int brokerId);

    /** A WAL that its owner is about to write; must complete before the first slot is put. */
    CompletableFuture<Void> open(int brokerId, long brokerEpoch);

    /**
     * The WAL ends. Only after a fence lies in slot {@link WalSeal#endSlot()}. Fails with INVALID if it was sealed otherwise.
     */
    CompletableFuture<Void> seal(WalSeal seal);

    /**
     * What the quorum knows of a WAL now, whatever this process has seen so far; empty if it is retired (or was never opened).
     */
    CompletableFuture<Optional<WalState>> refreshed(int brokerId, long brokerEpoch);

    /**
     * Slots below {@code startSlot} are not needed any more; must complete before they are deleted. Never moves back. A sealed
     * WAL is freed as a whole: INVALID for a part of it, or while some of its records are in no object.
     */
    CompletableFuture<Void> trim(int brokerId, long brokerEpoch, long startSlot);

    /** Nothing of this sealed WAL is needed any more: it is forgotten, and whatever lies under its prefix is garbage. */
    CompletableFuture<Void> retire(int brokerId, long brokerEpoch);

    /** {@code count} object ids that nobody else will ever get; a slot takes one as its nonce. */
    CompletableFuture<IdRange> reserveObjectIds(int count);
}
