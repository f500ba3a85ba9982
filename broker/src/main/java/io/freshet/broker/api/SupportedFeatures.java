// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.api;

import io.freshet.metadata.FreshetVersion;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.feature.Features;
import org.apache.kafka.common.feature.SupportedVersionRange;
import org.apache.kafka.server.BrokerFeatures;

/** The features that this version tells clients and peers of: Kafka's, and the level of its own metadata. */
public final class SupportedFeatures {
    private SupportedFeatures() {}

    public static Features<SupportedVersionRange> ofThisVersion() {
        Map<String, SupportedVersionRange> all =
                new HashMap<>(BrokerFeatures.defaultSupportedFeatures(false).features());
        all.put(
                FreshetVersion.FEATURE_NAME,
                new SupportedVersionRange(FreshetVersion.SUPPORTED.oldest(), FreshetVersion.SUPPORTED.newest()));
        return Features.supportedFeatures(all);
    }
}
