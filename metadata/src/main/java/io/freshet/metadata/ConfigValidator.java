// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import java.util.Map;
import org.apache.kafka.common.config.ConfigResource;

/** Judges a resource's whole configuration as it would be after a change. Called on the metadata thread; must not block. */
@FunctionalInterface
public interface ConfigValidator {
    /**
     * @throws org.apache.kafka.common.config.ConfigException the values are not acceptable (answered as INVALID_CONFIG)
     * @throws org.apache.kafka.common.errors.ApiException the resource is not acceptable (answered with its own code)
     */
    void validate(ConfigResource resource, Map<String, String> values);
}
