// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.function.Supplier;
import org.apache.kafka.common.feature.Features;
import org.apache.kafka.common.feature.SupportedVersionRange;
import org.apache.kafka.common.message.ApiVersionsResponseData.ApiVersion;
import org.apache.kafka.common.message.ApiVersionsResponseData.ApiVersionCollection;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.ApiVersionsRequest;
import org.apache.kafka.common.requests.ApiVersionsResponse;
import org.apache.kafka.server.common.FinalizedFeatures;

/** Tells a client which APIs, versions and features this broker serves: what is registered, nothing else. */
public final class ApiVersionsHandler implements RequestHandler {
    /** The first version in which a client may name the cluster and node that it means to talk to. */
    private static final int FIRST_VERSION_WITH_IDENTITY = 5;

    /** Older versions cannot read a feature range that begins at 0. */
    private static final int FIRST_VERSION_WITH_FEATURE_LEVEL_ZERO = 4;

    private final ApiRouter router;
    private final String clusterId;
    private final int nodeId;
    private final Features<SupportedVersionRange> supportedFeatures;
    private final Supplier<FinalizedFeatures> finalizedFeatures;

    public ApiVersionsHandler(
            ApiRouter router,
            String clusterId,
            int nodeId,
            Features<SupportedVersionRange> supportedFeatures,
            Supplier<FinalizedFeatures> finalizedFeatures) {
        this.router = router;
        this.clusterId = clusterId;
        this.nodeId = nodeId;
        this.supportedFeatures = supportedFeatures;
        this.finalizedFeatures = finalizedFeatures;
    }

    @Override
    public void handle(KafkaRequest request) {
        request.respond(
                answer((ApiVersionsRequest) request.body(), request.header().apiVersion()));
    }

    private AbstractResponse answer(ApiVersionsRequest body, short version) {
        if (body.hasUnsupportedRequestVersion()) {
            return body.getErrorResponse(0, Errors.UNSUPPORTED_VERSION.exception());
        }
        if (!body.isValid()) {
            return body.getErrorResponse(0, Errors.INVALID_REQUEST.exception());
        }
        if (meansAnother(body)) {
            return body.getErrorResponse(0, Errors.REBOOTSTRAP_REQUIRED.exception());
        }
        FinalizedFeatures features = finalizedFeatures.get();
        return new ApiVersionsResponse.Builder()
                .setApiVersions(served())
                .setSupportedFeatures(supportedFeatures)
                .setFinalizedFeatures(features.finalizedFeatures())
                .setFinalizedFeaturesEpoch(features.finalizedFeaturesEpoch())
                .setAlterFeatureLevel0(version < FIRST_VERSION_WITH_FEATURE_LEVEL_ZERO)
                .build();
    }

    /** A client that means another cluster or node has stale addresses and must find its brokers anew. */
    private boolean meansAnother(ApiVersionsRequest body) {
        String meantClusterId = body.data().clusterId();
        return body.version() >= FIRST_VERSION_WITH_IDENTITY
                && meantClusterId != null
                && (!meantClusterId.equals(clusterId) || body.data().nodeId() != nodeId);
    }

    private ApiVersionCollection served() {
        var served = router.served();
        ApiVersionCollection versions = new ApiVersionCollection(served.size());
        served.forEach((api, range) -> versions.add(new ApiVersion()
                .setApiKey(api.id)
                .setMinVersion(
                        api == ApiKeys.PRODUCE ? ApiKeys.PRODUCE_API_VERSIONS_RESPONSE_MIN_VERSION : range.minVersion())
                .setMaxVersion(range.maxVersion())));
        return versions;
    }
}
