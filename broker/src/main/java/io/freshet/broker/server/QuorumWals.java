// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.MetadataNode;
import io.freshet.wal.s3.WalCatalog;
import io.freshet.wal.s3.WalOwners;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.metadata.BrokerRegistration;

/** All S3 WALs and their owners as a metadata node knows them. */
public record QuorumWals(MetadataNode node) implements WalCatalog, WalOwners {
    @Override
    public List<WalState> wals() {
        return node.manifests().wals();
    }

    @Override
    public Optional<WalSeal> seal(int brokerId, long brokerEpoch) {
        return node.manifests().walSeal(brokerId, brokerEpoch);
    }

    @Override
    public Standing standing(int brokerId, long brokerEpoch) {
        BrokerRegistration present = node.image().cluster().broker(brokerId);
        if (present == null) {
            return Standing.GONE;
        }
        if (present.epoch() > brokerEpoch) {
            return present.fenced() ? Standing.REPLACED_FENCED : Standing.REPLACED_ALIVE;
        }
        return present.fenced() ? Standing.FENCED : Standing.ALIVE;
    }

    @Override
    public List<Integer> alive() {
        return node.image().cluster().brokers().values().stream()
                .filter(broker -> !broker.fenced())
                .map(BrokerRegistration::id)
                .sorted()
                .toList();
    }
}
