// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.MemberState;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.MemberRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.common.metadata.ProducerIdsRecord;
import org.apache.kafka.common.metadata.RegisterBrokerRecord;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;

/** Commands of broker processes. Metadata thread. */
final class BrokerCommands {
    private static final int PRODUCER_ID_BLOCK = 1000;

    private BrokerCommands() {}

    static Decision<RegisteredBroker> register(Speculation state, BrokerSpec spec, PastIncarnations past) {
        MetadataImage image = state.image();
        BrokerRegistration known = image.cluster().broker(spec.brokerId());
        if (known != null && known.incarnationId().equals(spec.incarnationId())) {
            return new Decision<>(
                    List.of(),
                    offset -> new RegisteredBroker(
                            known.epoch(), image.provenance().lastContainedOffset()));
        }
        past.requireNotPast(spec);
        if (!spec.versions().contains(FreshetVersion.of(image))) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Broker " + spec.brokerId() + " knows " + FreshetVersion.FEATURE_NAME + " " + spec.versions()
                            + ", and the cluster runs at " + FreshetVersion.of(image)
                            + ": install a version that knows it");
        }
        if (known != null) {
            past.add(known.incarnationId());
        }
        long brokerEpoch = nextBrokerEpoch(image);
        MetadataVersion version = image.features().metadataVersionOrThrow();
        List<ApiMessageAndVersion> records = new ArrayList<>();
        records.add(new ApiMessageAndVersion(registration(spec, brokerEpoch), version.registerBrokerRecordVersion()));
        if (FreshetVersion.of(image) >= FreshetVersion.CLUSTER) {
            MemberState before = state.manifests().members().member(spec.brokerId());
            boolean isDrained = before != null && before.isDrained();
            records.add(
                    new MemberRecord(new MemberState(spec.brokerId(), brokerEpoch, false, isDrained, spec.walLanes()))
                            .versioned());
        }
        for (TopicImage topic : image.topics().topicsById().values()) {
            topic.partitions().forEach((partitionId, partition) -> {
                if (partition.leader == spec.brokerId()) {
                    records.add(new ApiMessageAndVersion(
                            new PartitionChangeRecord()
                                    .setTopicId(topic.id())
                                    .setPartitionId(partitionId)
                                    .setLeader(spec.brokerId()),
                            version.partitionChangeRecordVersion()));
                }
            });
        }
        return new Decision<>(records, offset -> new RegisteredBroker(brokerEpoch, offset));
    }

    /** Above every present epoch; not above the record's own offset, so that a later one is above it too. */
    private static long nextBrokerEpoch(MetadataImage image) {
        long newest = image.provenance().lastContainedOffset();
        for (BrokerRegistration broker : image.cluster().brokers().values()) {
            newest = Math.max(newest, broker.epoch());
        }
        return newest + 1;
    }

    private static RegisterBrokerRecord registration(BrokerSpec spec, long brokerEpoch) {
        RegisterBrokerRecord registration = new RegisterBrokerRecord()
                .setBrokerId(spec.brokerId())
                .setBrokerEpoch(brokerEpoch)
                .setIncarnationId(spec.incarnationId())
                .setFenced(true)
                .setRack(spec.rack());
        for (Endpoint endpoint : spec.listeners()) {
            registration
                    .endPoints()
                    .add(new RegisterBrokerRecord.BrokerEndpoint()
                            .setName(endpoint.listenerName())
                            .setHost(endpoint.host())
                            .setPort(endpoint.port())
                            .setSecurityProtocol(SecurityProtocol.forName(endpoint.securityProtocol()).id));
        }
        FeatureCommands.supported(spec.versions())
                .forEach((name, range) -> registration
                        .features()
                        .add(new RegisterBrokerRecord.BrokerFeature()
                                .setName(name)
                                .setMinSupportedVersion(range.min())
                                .setMaxSupportedVersion(range.max())));
        return registration;
    }

    static Decision<IdRange> allocateProducerIds(Speculation state, int brokerId, long brokerEpoch) {
        StreamCommands.requireBrokerEpoch(state.image(), brokerId, brokerEpoch);
        long first = Math.max(0, state.image().producerIds().nextProducerId());
        if (first > Long.MAX_VALUE - PRODUCER_ID_BLOCK) {
            throw new FreshetException(ErrorKind.INTERNAL, "Producer ids are used up at " + first);
        }
        ProducerIdsRecord block = new ProducerIdsRecord()
                .setBrokerId(brokerId)
                .setBrokerEpoch(brokerEpoch)
                .setNextProducerId(first + PRODUCER_ID_BLOCK);
        return Decision.of(
                List.of(new ApiMessageAndVersion(block, (short) 0)), new IdRange(first, first + PRODUCER_ID_BLOCK));
    }
}
