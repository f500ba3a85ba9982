// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.ClusterController.ControllerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.MemberState;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.LaneChangedRecord;
import io.freshet.metadata.record.MemberRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import org.apache.kafka.common.message.UpdateFeaturesRequestData;
import org.apache.kafka.common.message.UpdateFeaturesRequestData.FeatureUpdateKey;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.metadata.RegisterControllerRecord;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.ControllerRegistration;
import org.apache.kafka.metadata.VersionRange;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.Feature;
import org.apache.kafka.server.common.MetadataVersion;

/** What each controller knows, and the levels that all of them go up to. Metadata thread. */
final class FeatureCommands {
    /** May hold records of brokers that registered before lanes were written down. */
    private static final List<String> ALL_LANES = List.of("block", "s3");

    private final IntPredicate isVoter;

    /** @param isVoter whether a node of this id votes now */
    FeatureCommands(IntPredicate isVoter) {
        this.isVoter = isVoter;
    }

    static Decision<Boolean> register(Speculation state, ControllerSpec spec) {
        ControllerRegistration known = state.image().cluster().controllers().get(spec.nodeId());
        if (known != null && known.incarnationId().equals(spec.incarnationId())) {
            return Decision.of(List.of(), false);
        }
        RegisterControllerRecord registration =
                new RegisterControllerRecord().setControllerId(spec.nodeId()).setIncarnationId(spec.incarnationId());
        for (Endpoint endpoint : spec.listeners()) {
            registration
                    .endPoints()
                    .add(new RegisterControllerRecord.ControllerEndpoint()
                            .setName(endpoint.listenerName())
                            .setHost(endpoint.host())
                            .setPort(endpoint.port())
                            .setSecurityProtocol(SecurityProtocol.forName(endpoint.securityProtocol()).id));
        }
        supported(spec.versions())
                .forEach((name, range) -> registration
                        .features()
                        .add(new RegisterControllerRecord.ControllerFeature()
                                .setName(name)
                                .setMinSupportedVersion(range.min())
                                .setMaxSupportedVersion(range.max())));
        return Decision.of(List.of(new ApiMessageAndVersion(registration, (short) 0)), true);
    }

    /** What a node tells of itself when it registers, as broker or as controller. */
    static Map<String, VersionRange> supported(FreshetVersion.Range versions) {
        Map<String, VersionRange> all = new java.util.TreeMap<>();
        all.put(
                MetadataVersion.FEATURE_NAME,
                VersionRange.of(
                        MetadataVersion.MINIMUM_VERSION.featureLevel(),
                        MetadataVersion.latestProduction().featureLevel()));
        for (Feature feature : Feature.PRODUCTION_FEATURES) {
            all.put(feature.featureName(), VersionRange.of(feature.minimumProduction(), feature.latestProduction()));
        }
        all.put(FreshetVersion.FEATURE_NAME, VersionRange.of(versions.oldest(), versions.newest()));
        return all;
    }

    /** All of the updates, or none. Levels only go up: what a newer one has written cannot be read by an older. */
    Decision<ApiError> update(Speculation state, UpdateFeaturesRequestData request) {
        MetadataImage image = state.image();
        List<ApiMessageAndVersion> records = new ArrayList<>();
        for (FeatureUpdateKey update : request.featureUpdates()) {
            short level = update.maxVersionLevel();
            short present = present(image, update.feature());
            ApiError error = refusal(image, update.feature(), present, level);
            if (error.isFailure()) {
                return Decision.of(List.of(), error);
            }
            if (level > present) {
                records.add(new ApiMessageAndVersion(
                        new FeatureLevelRecord().setName(update.feature()).setFeatureLevel(level), (short) 0));
            }
            if (update.feature().equals(FreshetVersion.FEATURE_NAME)
                    && present < FreshetVersion.CLUSTER
                    && level >= FreshetVersion.CLUSTER) {
                addWhatWasNotWritten(state, records);
            }
        }
        return Decision.of(request.validateOnly() ? List.of() : records, ApiError.NONE);
    }

    private static short present(MetadataImage image, String feature) {
        return feature.equals(FreshetVersion.FEATURE_NAME)
                ? FreshetVersion.of(image)
                : image.features().finalizedVersions().getOrDefault(feature, (short) 0);
    }

    private ApiError refusal(MetadataImage image, String feature, short present, short level) {
        if (!supported(FreshetVersion.SUPPORTED).containsKey(feature)) {
            return new ApiError(
                    Errors.INVALID_UPDATE_VERSION,
                    "Feature " + feature
                            + " is not one that can be changed here; kafka-features.sh describe lists them");
        }
        if (level < present) {
            return new ApiError(
                    Errors.INVALID_UPDATE_VERSION,
                    feature + " is at " + present + " and cannot go back to " + level
                            + ": the metadata log may hold what older versions cannot read");
        }
        for (BrokerRegistration broker : image.cluster().brokers().values()) {
            if (!knows(broker.supportedFeatures(), feature, level)) {
                return tooOld("Broker " + broker.id(), broker.supportedFeatures(), feature, level);
            }
        }
        for (ControllerRegistration controller : image.cluster().controllers().values()) {
            if (isVoter.test(controller.id()) && !knows(controller.supportedFeatures(), feature, level)) {
                return tooOld("Controller " + controller.id(), controller.supportedFeatures(), feature, level);
            }
        }
        return ApiError.NONE;
    }

    private static boolean knows(Map<String, VersionRange> supported, String feature, short level) {
        VersionRange range = supported.get(feature);
        return range != null && range.contains(level);
    }

    private static ApiError tooOld(String node, Map<String, VersionRange> supported, String feature, short level) {
        VersionRange range = supported.get(feature);
        return new ApiError(
                Errors.INVALID_UPDATE_VERSION,
                node
                        + (range == null
                                ? " does not know " + feature
                                : " knows " + feature + " " + range.min() + " to " + range.max())
                        + ", not " + level + ": upgrade it first, or remove it from the cluster");
    }

    /** Of what happened before there is no record: the careful answer is that anything may have been. */
    private static void addWhatWasNotWritten(Speculation state, List<ApiMessageAndVersion> records) {
        for (BrokerRegistration broker : state.image().cluster().brokers().values()) {
            records.add(new MemberRecord(new MemberState(broker.id(), broker.epoch(), false, false, ALL_LANES))
                    .versioned());
        }
        for (TopicImage topic : state.image().topics().topicsById().values()) {
            records.add(new LaneChangedRecord(topic.id()).versioned());
        }
    }
}
