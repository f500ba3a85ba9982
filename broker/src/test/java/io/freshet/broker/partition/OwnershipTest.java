// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.ManualScheduler;
import io.freshet.broker.fake.ScriptedStream;
import io.freshet.metadata.Manifests;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.common.metadata.RegisterBrokerRecord;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.common.metadata.UnregisterBrokerRecord;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.server.common.MetadataVersion;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A process whose broker id has another process now opens nothing, whatever leader epochs it sees. */
class OwnershipTest {
    private static final int BROKER = 3;
    private static final Uuid TOPIC = new Uuid(7, 7);
    private static final TopicPartition PARTITION = new TopicPartition("t", 0);

    private final List<Integer> openedEpochs = new ArrayList<>();
    private final ManualScheduler scheduler = new ManualScheduler();
    private final MovingPartitions moving = new MovingPartitions();
    private CompletableFuture<Void> mayOpen = CompletableFuture.completedFuture(null);
    private final Partitions old = partitions(new Ownership(BROKER, 10));
    private MetadataImage image = MetadataImage.EMPTY;

    private Partitions partitions(Ownership ownership) {
        return new Partitions(
                ownership,
                manifests(),
                (streamId, leaderEpoch, source) -> {
                    openedEpochs.add(leaderEpoch);
                    return mayOpen.thenApply(opened -> new ScriptedStream(leaderEpoch));
                },
                new PartitionFixture().context,
                topic -> "block",
                scheduler,
                moving);
    }

    private static Manifests manifests() {
        return (Manifests) Proxy.newProxyInstance(
                OwnershipTest.class.getClassLoader(),
                new Class<?>[] {Manifests.class},
                (self, method, args) -> OptionalLong.of(1));
    }

    @BeforeEach
    void registerAndCreate() {
        apply(
                new FeatureLevelRecord()
                        .setName(MetadataVersion.FEATURE_NAME)
                        .setFeatureLevel(MetadataVersion.LATEST_PRODUCTION.featureLevel()),
                registration(10),
                new TopicRecord().setName("t").setTopicId(TOPIC),
                new PartitionRecord()
                        .setTopicId(TOPIC)
                        .setPartitionId(0)
                        .setReplicas(List.of(BROKER))
                        .setIsr(List.of(BROKER))
                        .setLeader(BROKER)
                        .setLeaderEpoch(4));
    }

    private static RegisterBrokerRecord registration(long brokerEpoch) {
        return new RegisterBrokerRecord()
                .setBrokerId(BROKER)
                .setBrokerEpoch(brokerEpoch)
                .setIncarnationId(new Uuid(0, brokerEpoch));
    }

    private static PartitionChangeRecord newLeaderEpoch() {
        return new PartitionChangeRecord().setTopicId(TOPIC).setPartitionId(0).setLeader(BROKER);
    }

    private void apply(ApiMessage... records) {
        MetadataDelta delta = new MetadataDelta.Builder().setImage(image).build();
        List.of(records).forEach(delta::replay);
        image = delta.apply(new MetadataProvenance(image.provenance().lastContainedOffset() + 1, 1, 0, true));
        old.onChange(delta, image);
    }

    @Test
    void opensWhatItLeadsUnderItsOwnRegistration() {
        assertThat(openedEpochs).containsExactly(4);
        assertThat(old.log(PARTITION)).isPresent();

        apply(newLeaderEpoch());
        assertThat(openedEpochs).containsExactly(4, 5);
    }

    @Test
    void aPartitionArrivesUntilItIsOpen() {
        List<Boolean> told = new ArrayList<>();
        moving.addListener(told::add);
        mayOpen = new CompletableFuture<>();
        apply(newLeaderEpoch());
        assertThat(old.isArriving(PARTITION)).isTrue();
        mayOpen.complete(null);
        assertThat(old.isArriving(PARTITION)).isFalse();
        assertThat(old.log(PARTITION)).isPresent();
        assertThat(told).containsExactly(false, true, false);
    }

    @Test
    void leavesEverythingToASuccessorOfTheSameId() {
        apply(registration(11), newLeaderEpoch());
        assertThat(openedEpochs).containsExactly(4);
        assertThat(old.log(PARTITION)).isEmpty();

        apply(newLeaderEpoch());
        scheduler.advance(60_000);
        assertThat(openedEpochs).as("leader epochs that were the successor's").containsExactly(4);
        assertThat(old.open()).isEmpty();
    }

    @Test
    void servesNothingAfterItWasTakenOutOfTheCluster() {
        apply(new UnregisterBrokerRecord().setBrokerId(BROKER).setBrokerEpoch(10));
        assertThat(old.open()).isEmpty();

        apply(newLeaderEpoch());
        assertThat(openedEpochs).containsExactly(4);
    }

    @Test
    void doesNotTakeAnOlderProcessForItself() {
        assertThat(new Ownership(BROKER, 11).isCurrent(image)).isFalse();
        assertThat(new Ownership(BROKER, 10).isCurrent(image)).isTrue();
        assertThat(new Ownership(BROKER + 1, 10).isCurrent(image)).isFalse();
    }
}
