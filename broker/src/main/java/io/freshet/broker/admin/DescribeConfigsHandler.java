// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.api.KafkaErrors;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.DescribeConfigsRequestData;
import org.apache.kafka.common.message.DescribeConfigsRequestData.DescribeConfigsResource;
import org.apache.kafka.common.message.DescribeConfigsResponseData;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsResourceResult;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsResult;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.common.requests.DescribeConfigsRequest;
import org.apache.kafka.common.requests.DescribeConfigsResponse;
import org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigSource;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.image.ConfigurationsImage;
import org.apache.kafka.metadata.MetadataCache;
import org.apache.kafka.server.ConfigHelperUtils;
import org.apache.kafka.server.logger.LoggingController;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Describes configurations of topics, this broker, groups, client metrics subscriptions and log levels. */
final class DescribeConfigsHandler implements RequestHandler {
    private static final Logger LOG = LoggerFactory.getLogger(DescribeConfigsHandler.class);

    private final MetadataCache cache;
    private final BrokerConfigs broker;
    private final TopicConfigs topicConfigs;

    DescribeConfigsHandler(MetadataCache cache, BrokerConfigs broker, TopicConfigs topicConfigs) {
        this.cache = cache;
        this.broker = broker;
        this.topicConfigs = topicConfigs;
    }

    @Override
    public void handle(KafkaRequest request) {
        DescribeConfigsRequestData body = ((DescribeConfigsRequest) request.body()).data();
        ConfigurationsImage image = broker.image();
        ConfigDescriptions descriptions =
                new ConfigDescriptions(broker, image, body.includeSynonyms(), body.includeDocumentation());
        List<DescribeConfigsResult> results = body.resources().stream()
                .map(resource -> describeOrFail(resource, image, descriptions)
                        .setResourceName(resource.resourceName())
                        .setResourceType(resource.resourceType()))
                .toList();
        request.respond(new DescribeConfigsResponse(new DescribeConfigsResponseData().setResults(results)));
    }

    private DescribeConfigsResult describeOrFail(
            DescribeConfigsResource resource, ConfigurationsImage image, ConfigDescriptions descriptions) {
        try {
            return describe(resource, image, descriptions);
        } catch (RuntimeException e) {
            ApiError error = KafkaErrors.apiErrorOf(e);
            if (error.error() == Errors.UNKNOWN_SERVER_ERROR) {
                LOG.error("Cannot describe {}", resource, e);
            }
            return new DescribeConfigsResult()
                    .setErrorCode(error.error().code())
                    .setErrorMessage(error.message())
                    .setConfigs(List.of());
        }
    }

    private DescribeConfigsResult describe(
            DescribeConfigsResource resource, ConfigurationsImage image, ConfigDescriptions descriptions) {
        ConfigResource id =
                new ConfigResource(ConfigResource.Type.forId(resource.resourceType()), resource.resourceName());
        Properties own = image.configProperties(id);
        return switch (id.type()) {
            case TOPIC -> describeTopic(resource, own, descriptions);
            case BROKER -> describeBroker(resource, descriptions);
            case BROKER_LOGGER -> describeLoggers(resource);
            case CLIENT_METRICS -> describeClientMetrics(resource, own, descriptions);
            case GROUP -> describeGroup(resource, own, descriptions);
            case UNKNOWN -> throw new InvalidRequestException("Unsupported resource type: " + resource.resourceType());
        };
    }

    private DescribeConfigsResult describeTopic(
            DescribeConfigsResource resource, Properties own, ConfigDescriptions descriptions) {
        String topic = resource.resourceName();
        Topic.validate(topic);
        if (!cache.contains(topic)) {
            return new DescribeConfigsResult()
                    .setErrorCode(Errors.UNKNOWN_TOPIC_OR_PARTITION.code())
                    .setConfigs(List.of());
        }
        LogConfig config = topicConfigs.apply(topic);
        DescribeConfigsResult described = ConfigHelperUtils.createResponseConfig(
                resource, config, (name, value) -> descriptions.topic(config, own, name, value));
        List<String> wanted = resource.configurationKeys();
        boolean isLaneWanted = wanted == null || wanted.isEmpty() || wanted.contains(TopicLanes.NAME);
        if (isLaneWanted && !own.containsKey(TopicLanes.NAME)) {
            List<DescribeConfigsResourceResult> all = new ArrayList<>(described.configs());
            all.add(descriptions.topicLane(own));
            described.setConfigs(all);
        }
        return described;
    }

    private DescribeConfigsResult describeBroker(DescribeConfigsResource resource, ConfigDescriptions descriptions) {
        if (resource.resourceName().isEmpty()) {
            return ConfigHelperUtils.createResponseConfig(
                    resource, descriptions.dynamicDefaults(), (name, value) -> descriptions.broker(name, value, false));
        }
        checkNode(resource);
        List<String> wanted = resource.configurationKeys();
        List<DescribeConfigsResourceResult> described = new ArrayList<>();
        descriptions.effectiveBrokerValues().forEach((name, value) -> {
            if (wanted == null || wanted.isEmpty() || wanted.contains(name)) {
                described.add(descriptions.broker(name, value, true));
            }
        });
        return new DescribeConfigsResult().setErrorCode(Errors.NONE.code()).setConfigs(described);
    }

    private DescribeConfigsResult describeLoggers(DescribeConfigsResource resource) {
        if (resource.resourceName().isEmpty()) {
            throw new InvalidRequestException("Broker id must not be empty");
        }
        checkNode(resource);
        Map<String, String> levels = LoggingController.loggers();
        return ConfigHelperUtils.createResponseConfig(
                resource,
                levels,
                (name, level) -> new DescribeConfigsResourceResult()
                        .setName(name)
                        .setValue(level.toString())
                        .setConfigSource(ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG.id())
                        .setSynonyms(List.of()));
    }

    private void checkNode(DescribeConfigsResource resource) {
        if (ConfigChangeValidation.parseNodeId(resource.resourceName()) != broker.nodeId()) {
            throw new InvalidRequestException("Unexpected broker id, expected " + broker.nodeId()
                    + " or empty string, but received " + resource.resourceName());
        }
    }

    private DescribeConfigsResult describeClientMetrics(
            DescribeConfigsResource resource, Properties own, ConfigDescriptions descriptions) {
        if (resource.resourceName().isEmpty()) {
            throw new InvalidRequestException("Client metrics subscription name must not be empty");
        }
        ClientMetricsConfigs config = ClientMetricsConfigs.fromProps(ClientMetricsConfigs.defaultConfigsMap(), own);
        return ConfigHelperUtils.createResponseConfig(
                resource, config, (name, value) -> descriptions.clientMetrics(config, own, name, value));
    }

    private DescribeConfigsResult describeGroup(
            DescribeConfigsResource resource, Properties own, ConfigDescriptions descriptions) {
        String group = resource.resourceName();
        if (group.isEmpty()) {
            throw new InvalidRequestException("Group name must not be empty");
        }
        GroupConfig config = GroupConfig.fromProps(groupDefaults(), own);
        return ConfigHelperUtils.createResponseConfig(
                resource, config, (name, value) -> descriptions.group(config, own, name, value));
    }

    /** What a group has by default: the broker's configuration of the same meaning. */
    private Map<String, Object> groupDefaults() {
        Map<String, Object> defaults = new HashMap<>();
        for (String name : GroupConfig.configNames()) {
            GroupConfig.brokerSynonym(name)
                    .map(brokerName -> broker.values().values().get(brokerName))
                    .map(value -> asGroupDefault(name, value))
                    .ifPresent(value -> defaults.put(name, value));
        }
        return defaults;
    }

    /** Where a broker lists what it allows and a group chooses one of them, the first is the default. */
    private static @Nullable Object asGroupDefault(String name, Object brokerValue) {
        boolean isList = GroupConfig.configType(name).equals(Optional.of(ConfigDef.Type.LIST));
        if (brokerValue instanceof List<?> allowed && !isList) {
            return allowed.isEmpty() ? null : allowed.get(0);
        }
        return brokerValue;
    }
}
