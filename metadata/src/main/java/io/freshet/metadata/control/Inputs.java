// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.ConfigValidator;
import java.util.Map;
import org.apache.kafka.metadata.KafkaConfigSchema;

/**
 * What commands take from outside of the state.
 *
 * @param defaultPartitions partitions of a topic whose creator named no number
 * @param defaultReplicationFactor what is reported when the creator named none
 * @param schema types, defaults and synonyms of configuration keys
 * @param staticConfig this node's own configuration, for the values that a new topic's creator is told
 */
public record Inputs(
        Clock clock,
        Randomness randomness,
        int defaultPartitions,
        short defaultReplicationFactor,
        ConfigValidator validator,
        KafkaConfigSchema schema,
        Map<String, Object> staticConfig) {
    public Inputs {
        staticConfig = Map.copyOf(staticConfig);
    }
}
