// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.wal.s3.WalRegistry;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The quorum as one process's S3 lane sees it. */
record SimWalRegistry(SimFollower follower) implements WalRegistry {
    @Override
    public List<WalState> wals(int brokerId) {
        return follower.state().manifests().wals(brokerId);
    }

    @Override
    public CompletableFuture<Optional<WalState>> refreshed(int brokerId, long brokerEpoch) {
        return follower.send("catch up", true, controller -> controller.forgetObjects(List.of()))
                .thenApply(caughtUp -> wals(brokerId).stream()
                        .filter(wal -> wal.brokerEpoch() == brokerEpoch)
                        .findFirst());
    }

    @Override
    public CompletableFuture<Void> open(int brokerId, long brokerEpoch) {
        return follower.send("open WAL", true, controller -> controller.openWal(brokerId, brokerEpoch));
    }

    @Override
    public CompletableFuture<Void> seal(WalSeal seal) {
        return follower.send("seal WAL", true, controller -> controller.sealWal(seal));
    }

    @Override
    public CompletableFuture<Void> trim(int brokerId, long brokerEpoch, long startSlot) {
        return follower.send("trim WAL", true, controller -> controller.trimWal(brokerId, brokerEpoch, startSlot));
    }

    @Override
    public CompletableFuture<Void> retire(int brokerId, long brokerEpoch) {
        return follower.send("retire WAL", true, controller -> controller.retireWal(brokerId, brokerEpoch));
    }

    @Override
    public CompletableFuture<IdRange> reserveObjectIds(int count) {
        return follower.reserveObjectIds(count);
    }
}
