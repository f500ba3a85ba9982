// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.api.Replies;
import io.freshet.metadata.ClusterController;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.common.message.UpdateFeaturesRequestData;
import org.apache.kafka.common.message.UpdateFeaturesRequestData.FeatureUpdateKey;
import org.apache.kafka.common.requests.UpdateFeaturesRequest;
import org.apache.kafka.common.requests.UpdateFeaturesResponse;

/** Raises levels of features: all that one request names, or none. */
final class UpdateFeaturesHandler implements RequestHandler {
    private final ClusterController controller;

    UpdateFeaturesHandler(ClusterController controller) {
        this.controller = controller;
    }

    @Override
    public void handle(KafkaRequest request) {
        UpdateFeaturesRequestData asked = ((UpdateFeaturesRequest) request.body()).data();
        Set<String> names =
                asked.featureUpdates().stream().map(FeatureUpdateKey::feature).collect(Collectors.toSet());
        Replies.whenDone(
                request,
                controller.updateFeatures(asked),
                error -> UpdateFeaturesResponse.createWithErrors(error, names, 0));
    }
}
