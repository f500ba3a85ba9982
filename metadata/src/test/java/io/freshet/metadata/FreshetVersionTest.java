// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.ControllerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.FreshetVersion.Range;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.UpdateFeaturesRequestData;
import org.apache.kafka.common.message.UpdateFeaturesRequestData.FeatureUpdateKey;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Levels: what older nodes cannot read is not written before all are new and the operator has said so. */
class FreshetVersionTest {
    private static final Range OLD = new Range(FreshetVersion.SINGLE, FreshetVersion.SINGLE);
    private static final Range NEW = FreshetVersion.SUPPORTED;

    @TempDir
    Path directory;

    @Test
    void newClusterBeginsAtTheNewestLevel() {
        TestNode.format(directory);
        try (TestNode node = TestNode.start(directory).register()) {
            assertThat(level(node)).isEqualTo(NEW.newest());
            assertThat(node.node.manifests().member(TestNode.NODE_ID)).isPresent();
            assertThat(update(node, FreshetVersion.FEATURE_NAME, 1))
                    .matches(error -> error.error() == Errors.INVALID_UPDATE_VERSION)
                    .matches(error -> error.message().contains("cannot go back"));
            assertThat(update(node, FreshetVersion.FEATURE_NAME, 3).message()).contains("knows", "1 to 2", "not 3");
            assertThat(update(node, "no.such.feature", 1).error()).isEqualTo(Errors.INVALID_UPDATE_VERSION);
        }
        assertThatThrownBy(() -> start(OLD))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining("install a newer version");
    }

    @Test
    void olderLevelWritesNothingNewAndGoesBackAndForth() {
        TestNode.format(directory);
        try (TestNode old = start(OLD).register()) {
            assertThat(level(old)).isEqualTo(FreshetVersion.SINGLE);
            assertThat(old.createTopic("t", 2).errorCode()).isZero();
        }
        try (TestNode upgraded = start(NEW).register()) {
            assertThat(level(upgraded)).isEqualTo(FreshetVersion.SINGLE);
            assertThat(upgraded.node.manifests().member(TestNode.NODE_ID)).isEmpty();
            assertThatThrownBy(() -> TestNode.get(upgraded.controller.drainBroker(TestNode.NODE_ID, true)))
                    .isInstanceOf(FreshetException.class)
                    .hasMessageContaining("upgrade --feature freshet.version=2");
        }
        try (TestNode back = start(OLD).register()) {
            assertThat(level(back)).isEqualTo(FreshetVersion.SINGLE);
        }
        try (TestNode upgraded = start(NEW).register()) {
            assertThat(update(upgraded, FreshetVersion.FEATURE_NAME, 2).error()).isEqualTo(Errors.NONE);
            assertThat(update(upgraded, FreshetVersion.FEATURE_NAME, 2).error()).isEqualTo(Errors.NONE);
            assertThat(level(upgraded)).isEqualTo(FreshetVersion.CLUSTER);
            assertThat(upgraded.node
                            .manifests()
                            .member(TestNode.NODE_ID)
                            .orElseThrow()
                            .walLanes())
                    .containsExactly("block", "s3");
            TestNode.get(upgraded.controller.drainBroker(TestNode.NODE_ID, true));
        }
    }

    @Test
    void quorumOfMixedVersionsWorksAndRisesWhenAllAreNew() {
        Set<Long> ids = new HashSet<>();
        try (TestQuorum quorum = TestQuorum.start(directory, OLD)) {
            quorum.nodes.forEach((id, node) -> registerController(node, id, OLD));
            for (int id = 1; id <= 3; id++) {
                quorum.stop(id);
                TestNode upgraded = quorum.open(id, NEW);
                TestNode.get(upgraded.node.ready());
                if (id < 3) {
                    registerController(upgraded, id, NEW);
                    assertThat(ids.add(upgraded.reserveId())).isTrue();
                    assertThat(update(upgraded, FreshetVersion.FEATURE_NAME, 2).message())
                            .contains("Controller", "knows freshet.version 1 to 1, not 2");
                }
            }
            TestNode last = Objects.requireNonNull(quorum.nodes.get(3));
            registerController(last, 3, NEW);
            assertThat(register(last, OLD)).isNull();
            assertThat(update(last, FreshetVersion.FEATURE_NAME, 2).message()).contains("Broker 3 knows");
            assertThat(register(last, NEW)).isNull();
            assertThat(update(last, FreshetVersion.FEATURE_NAME, 2).error()).isEqualTo(Errors.NONE);
            assertThat(register(last, OLD)).contains("install a version that knows it");
            quorum.nodes.values().forEach(node -> {
                TestNode.get(node.controller.barrier());
                assertThat(level(node)).isEqualTo(FreshetVersion.CLUSTER);
                assertThat(ids.add(node.reserveId())).isTrue();
            });
        }
    }

    private TestNode start(Range versions) {
        return TestNode.start(
                TestNode.config(directory, TestNode.NODE_ID, MetadataNodeConfig.DEFAULT_SNAPSHOT_AFTER_BYTES, Map.of())
                        .withVersions(versions),
                Clock.system());
    }

    private static short level(TestNode node) {
        return FreshetVersion.of(node.node.image());
    }

    private static ApiError update(TestNode node, String feature, int level) {
        UpdateFeaturesRequestData request = new UpdateFeaturesRequestData();
        request.featureUpdates()
                .add(new FeatureUpdateKey()
                        .setFeature(feature)
                        .setMaxVersionLevel((short) level)
                        .setUpgradeType((byte) 1));
        return TestNode.get(node.controller.updateFeatures(request));
    }

    private static void registerController(TestNode node, int id, Range versions) {
        TestNode.get(
                node.controller.registerController(new ControllerSpec(id, Uuid.randomUuid(), List.of(), versions)));
    }

    /** Null, or why not. */
    private static @Nullable String register(TestNode node, Range versions) {
        BrokerSpec spec = new BrokerSpec(
                3,
                Uuid.randomUuid(),
                List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092)),
                null,
                List.of("s3"),
                versions);
        try {
            ClusterController.RegisteredBroker registered = TestNode.get(node.controller.registerBroker(spec));
            TestNode.get(node.controller.heartbeat(
                    new BrokerHeartbeat(3, registered.brokerEpoch(), registered.offset(), true, false)));
            return null;
        } catch (FreshetException e) {
            return e.getMessage();
        }
    }
}
