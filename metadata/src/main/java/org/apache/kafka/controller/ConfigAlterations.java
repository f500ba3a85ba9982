// SPDX-License-Identifier: Apache-2.0
package org.apache.kafka.controller;

import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.metadata.ConfigRecord;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A bridge to Kafka's rules for changing configurations, whose builder is package-private: made for one command, fed with
 * the touched resources' present values, asked once, thrown away. Not thread-safe.
 */
public final class ConfigAlterations {
    private final ConfigurationControlManager rules;

    /**
     * @param existence throws an ApiException for a resource that does not exist
     * @param validator throws ConfigException or ApiException for values that are not acceptable
     */
    public ConfigAlterations(
            KafkaConfigSchema schema,
            MetadataVersion metadataVersion,
            Consumer<ConfigResource> existence,
            BiConsumer<ConfigResource, Map<String, String>> validator) {
        FeatureControlManager features = new FeatureControlManager.Builder().build();
        features.replay(new FeatureLevelRecord()
                .setName(MetadataVersion.FEATURE_NAME)
                .setFeatureLevel(metadataVersion.featureLevel()));
        rules = new ConfigurationControlManager.Builder()
                .setKafkaConfigSchema(schema)
                .setFeatureControl(features)
                .setExistenceChecker(existence)
                .setValidator(new ConfigurationValidator() {
                    @Override
                    public void validate(ConfigResource resource) {
                        validator.accept(resource, Map.of());
                    }

                    @Override
                    public void validate(
                            ConfigResource resource, Map<String, String> values, Map<String, String> present) {
                        validator.accept(resource, values);
                    }
                })
                .build();
    }

    /** Tells a resource's present values. */
    public void present(ConfigResource resource, Map<String, String> values) {
        values.forEach((name, value) -> rules.replay(new ConfigRecord()
                .setResourceType(resource.type().id())
                .setResourceName(resource.name())
                .setName(name)
                .setValue(value)));
    }

    public Altered incremental(
            Map<ConfigResource, Map<String, Map.Entry<OpType, String>>> changes, boolean isNewResource) {
        ControllerResult<Map<ConfigResource, ApiError>> result =
                rules.incrementalAlterConfigs(changes, isNewResource, true);
        return new Altered(result.records(), result.response());
    }

    public Altered legacy(Map<ConfigResource, Map<String, String>> values) {
        ControllerResult<Map<ConfigResource, ApiError>> result = rules.legacyAlterConfigs(values, false, true);
        return new Altered(result.records(), result.response());
    }

    /** Records of the resources that were accepted, and every resource's answer. */
    public record Altered(List<ApiMessageAndVersion> records, Map<ConfigResource, ApiError> answers) {}
}
