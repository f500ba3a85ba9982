// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.MetadataNode;
import io.freshet.wal.s3.WalRegistry;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The quorum as the S3 lane sees it: the port of the wal module on a metadata node. */
public record QuorumWalRegistry(MetadataNode node) implements WalRegistry {
    @Override
    public List<WalState> wals(int brokerId) {
        return node.manifests().wals(brokerId);
    }

    @Override
    public CompletableFuture<Optional<WalState>> refreshed(int brokerId, long brokerEpoch) {
        return node.controller()
                .forgetObjects(List.of())
                .thenApply(caughtUp -> wals(brokerId).stream()
                        .filter(wal -> wal.brokerEpoch() == brokerEpoch)
                        .findFirst());
    }

    @Override
    public CompletableFuture<Void> open(int brokerId, long brokerEpoch) {
        return node.controller().openWal(brokerId, brokerEpoch);
    }

    @Override
    public CompletableFuture<Void> seal(WalSeal seal) {
        return node.controller().sealWal(seal);
    }

    @Override
    public CompletableFuture<Void> trim(int brokerId, long brokerEpoch, long startSlot) {
        return node.controller().trimWal(brokerId, brokerEpoch, startSlot);
    }

    @Override
    public CompletableFuture<Void> retire(int brokerId, long brokerEpoch) {
        return node.controller().retireWal(brokerId, brokerEpoch);
    }

    @Override
    public CompletableFuture<IdRange> reserveObjectIds(int count) {
        return node.controller().reserveObjectIds(count);
    }
}
