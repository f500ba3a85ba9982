// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.ClusterController.ConfigChange;
import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.LaneChangedRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.metadata.ConfigRecord;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.controller.ConfigAlterations;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** Commands that change configurations, by Kafka's own rules. Metadata thread. */
final class ConfigCommands {
    private final Inputs inputs;

    ConfigCommands(Inputs inputs) {
        this.inputs = inputs;
    }

    Decision<Map<ConfigResource, ApiError>> incremental(
            Speculation state, Map<ConfigResource, Map<String, ConfigChange>> changes, boolean validateOnly) {
        ConfigAlterations rules = rules(state.image(), changes.keySet());
        Map<ConfigResource, Map<String, Map.Entry<OpType, String>>> operations = new HashMap<>();
        changes.forEach((resource, keys) -> {
            Map<String, Map.Entry<OpType, String>> converted = new HashMap<>();
            keys.forEach((name, change) -> converted.put(name, operation(change)));
            operations.put(resource, converted);
        });
        ConfigAlterations.Altered altered = rules.incremental(operations, false);
        return decision(state, altered, validateOnly);
    }

    @SuppressWarnings("NullAway") // DELETE carries no value; Kafka's own code has no nullness annotations
    private static Map.Entry<OpType, String> operation(ConfigChange change) {
        return new AbstractMap.SimpleImmutableEntry<>(change.operation(), change.value());
    }

    Decision<Map<ConfigResource, ApiError>> legacy(
            Speculation state, Map<ConfigResource, Map<String, String>> configs, boolean validateOnly) {
        ConfigAlterations.Altered altered =
                rules(state.image(), configs.keySet()).legacy(configs);
        return decision(state, altered, validateOnly);
    }

    private static Decision<Map<ConfigResource, ApiError>> decision(
            Speculation state, ConfigAlterations.Altered altered, boolean validateOnly) {
        if (validateOnly) {
            return Decision.of(List.of(), altered.answers());
        }
        List<ApiMessageAndVersion> records = new ArrayList<>(altered.records());
        for (ApiMessageAndVersion entry : altered.records()) {
            if (entry.message() instanceof ConfigRecord change
                    && change.resourceType() == ConfigResource.Type.TOPIC.id()
                    && change.name().equals(FailoverPlanner.LANE_CONFIG)) {
                TopicImage topic = state.image().topics().getTopic(change.resourceName());
                if (topic != null
                        && FreshetVersion.of(state.image()) >= FreshetVersion.CLUSTER
                        && !state.manifests().members().hasLaneChanged(topic.id())) {
                    records.add(new LaneChangedRecord(topic.id()).versioned());
                }
            }
        }
        return Decision.of(records, altered.answers());
    }

    /** The records that give a topic that is about to be made its configuration. */
    NewTopicConfigs forNewTopic(MetadataImage image, String topic, Map<String, String> values) {
        if (values.isEmpty()) {
            return new NewTopicConfigs(List.of(), ApiError.NONE);
        }
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Map<String, Map.Entry<OpType, String>> operations = new HashMap<>();
        values.forEach(
                (name, value) -> operations.put(name, new AbstractMap.SimpleImmutableEntry<>(OpType.SET, value)));
        ConfigAlterations.Altered altered =
                rules(image, List.of(resource)).incremental(Map.of(resource, operations), true);
        ApiError answer = altered.answers().getOrDefault(resource, ApiError.NONE);
        return new NewTopicConfigs(altered.records(), answer);
    }

    private ConfigAlterations rules(MetadataImage image, Collection<ConfigResource> resources) {
        ConfigAlterations rules = new ConfigAlterations(
                inputs.schema(),
                image.features().metadataVersionOrThrow(),
                resource -> requireExists(image, resource),
                (resource, values) -> inputs.validator().validate(resource, values));
        for (ConfigResource resource : resources) {
            rules.present(resource, image.configs().configMapForResource(resource));
        }
        return rules;
    }

    private static void requireExists(MetadataImage image, ConfigResource resource) {
        switch (resource.type()) {
            case TOPIC -> {
                if (image.topics().getTopic(resource.name()) == null) {
                    throw new UnknownTopicOrPartitionException("The topic '" + resource.name() + "' does not exist.");
                }
            }
            case BROKER -> {
                if (!resource.name().isEmpty()) {
                    requireBrokerId(resource.name());
                }
            }
            case GROUP, CLIENT_METRICS -> {
                if (resource.name().isEmpty()) {
                    throw new InvalidRequestException("Default " + resource.type() + " resources are not allowed.");
                }
            }
            default ->
                throw new InvalidRequestException(
                        "Resources of type " + resource.type() + " have no dynamic configuration.");
        }
    }

    private static void requireBrokerId(String name) {
        try {
            Integer.parseInt(name);
        } catch (NumberFormatException e) {
            throw new InvalidRequestException("Invalid broker name " + name + ": not a number.");
        }
    }

    /** @param records empty if {@code answer} is a failure */
    record NewTopicConfigs(List<ApiMessageAndVersion> records, ApiError answer) {}
}
