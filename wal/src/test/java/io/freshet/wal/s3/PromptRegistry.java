// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/** A quorum that agrees to everything at once, for threads. */
final class PromptRegistry implements WalRegistry {
    private final AtomicLong nextId = new AtomicLong(1);

    @Override
    public List<WalState> wals(int brokerId) {
        return List.of();
    }

    @Override
    public CompletableFuture<Optional<WalState>> refreshed(int brokerId, long brokerEpoch) {
        return CompletableFuture.completedFuture(Optional.empty());
    }

    @Override
    public CompletableFuture<Void> open(int brokerId, long brokerEpoch) {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> seal(WalSeal seal) {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> trim(int brokerId, long brokerEpoch, long startSlot) {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> retire(int brokerId, long brokerEpoch) {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<IdRange> reserveObjectIds(int count) {
        long first = nextId.getAndAdd(count);
        return CompletableFuture.completedFuture(new IdRange(first, first + count));
    }
}
