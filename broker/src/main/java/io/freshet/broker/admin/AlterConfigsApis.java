// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.KafkaErrors;
import io.freshet.broker.api.Replies;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.ClusterController.ConfigChange;
import io.freshet.protocol.KafkaRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.message.AlterConfigsRequestData;
import org.apache.kafka.common.message.AlterConfigsResponseData;
import org.apache.kafka.common.message.IncrementalAlterConfigsRequestData;
import org.apache.kafka.common.message.IncrementalAlterConfigsRequestData.AlterConfigsResource;
import org.apache.kafka.common.message.IncrementalAlterConfigsRequestData.AlterableConfig;
import org.apache.kafka.common.message.IncrementalAlterConfigsResponseData;
import org.apache.kafka.common.message.IncrementalAlterConfigsResponseData.AlterConfigsResourceResponse;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.AlterConfigsRequest;
import org.apache.kafka.common.requests.AlterConfigsResponse;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.common.requests.IncrementalAlterConfigsRequest;
import org.apache.kafka.common.requests.IncrementalAlterConfigsResponse;
import org.apache.kafka.server.logger.RuntimeLoggerManager;
import org.slf4j.LoggerFactory;

/**
 * Changing configurations. Malformed resources are refused here, one by one; log levels are changed here, on this broker
 * only and until it stops; everything else goes to the controller.
 */
final class AlterConfigsApis {
    private final int nodeId;
    private final ClusterController controller;
    private final RuntimeLoggerManager loggers;

    AlterConfigsApis(int nodeId, ClusterController controller) {
        this.nodeId = nodeId;
        this.controller = controller;
        this.loggers = new RuntimeLoggerManager(nodeId, LoggerFactory.getLogger(AlterConfigsApis.class));
    }

    void register(ApiRouter router) {
        router.register(ApiKeys.INCREMENTAL_ALTER_CONFIGS, this::incremental);
        router.register(ApiKeys.ALTER_CONFIGS, this::legacy);
    }

    private void incremental(KafkaRequest request) {
        IncrementalAlterConfigsRequestData body = ((IncrementalAlterConfigsRequest) request.body()).data();
        List<ConfigResource> order = new ArrayList<>();
        Map<ConfigResource, ApiError> answered = new HashMap<>();
        Map<ConfigResource, Map<String, ConfigChange>> accepted = new LinkedHashMap<>();
        for (AlterConfigsResource resource : body.resources()) {
            ConfigResource id = resource(resource.resourceType(), resource.resourceName());
            if (order.contains(id)) {
                answered.put(id, new ApiError(Errors.INVALID_REQUEST, "Each resource must appear at most once."));
            }
            order.add(id);
            tryOne(id, answered, () -> {
                Map<String, ConfigChange> changes = changes(resource);
                if (id.type() == ConfigResource.Type.BROKER_LOGGER) {
                    loggers.applyChangesForResource(true, body.validateOnly(), resource);
                    answered.put(id, ApiError.NONE);
                } else {
                    checkResource(id);
                    accepted.put(id, changes);
                }
            });
        }
        Replies.whenDone(
                request,
                ask(accepted, answered, changes -> controller.incrementalAlterConfigs(changes, body.validateOnly())),
                results -> {
                    IncrementalAlterConfigsResponseData answer = new IncrementalAlterConfigsResponseData();
                    order.forEach(id -> answer.responses().add(incrementalAnswer(id, errorOf(results, id))));
                    return new IncrementalAlterConfigsResponse(answer);
                });
    }

    private static Map<String, ConfigChange> changes(AlterConfigsResource resource) {
        Map<String, ConfigChange> changes = new LinkedHashMap<>();
        List<String> nulls = new ArrayList<>();
        for (AlterableConfig config : resource.configs()) {
            OpType operation = OpType.forId(config.configOperation());
            if (operation == null) {
                throw new InvalidRequestException("Unknown operations type " + config.configOperation());
            }
            if (operation != OpType.DELETE && config.value() == null) {
                nulls.add(config.name());
            }
            if (changes.put(config.name(), new ConfigChange(operation, config.value())) != null) {
                throw new InvalidRequestException("Error due to duplicate config keys");
            }
        }
        refuseNulls(nulls);
        return changes;
    }

    private void legacy(KafkaRequest request) {
        AlterConfigsRequestData body = ((AlterConfigsRequest) request.body()).data();
        List<ConfigResource> order = new ArrayList<>();
        Map<ConfigResource, ApiError> answered = new HashMap<>();
        Map<ConfigResource, Map<String, String>> accepted = new LinkedHashMap<>();
        for (AlterConfigsRequestData.AlterConfigsResource resource : body.resources()) {
            ConfigResource id = resource(resource.resourceType(), resource.resourceName());
            if (order.contains(id)) {
                answered.put(id, new ApiError(Errors.INVALID_REQUEST, "Each resource must appear at most once."));
            }
            order.add(id);
            tryOne(id, answered, () -> {
                checkResource(id);
                accepted.put(id, values(resource));
            });
        }
        Replies.whenDone(
                request,
                ask(accepted, answered, configs -> controller.legacyAlterConfigs(configs, body.validateOnly())),
                results -> {
                    AlterConfigsResponseData answer = new AlterConfigsResponseData();
                    order.forEach(id -> answer.responses().add(legacyAnswer(id, errorOf(results, id))));
                    return new AlterConfigsResponse(answer);
                });
    }

    private static Map<String, String> values(AlterConfigsRequestData.AlterConfigsResource resource) {
        Map<String, String> values = new LinkedHashMap<>();
        List<String> nulls = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (AlterConfigsRequestData.AlterableConfig config : resource.configs()) {
            if (!names.add(config.name())) {
                throw new InvalidRequestException("Error due to duplicate config keys");
            }
            if (config.value() == null) {
                nulls.add(config.name());
            } else {
                values.put(config.name(), config.value());
            }
        }
        refuseNulls(nulls);
        return values;
    }

    private static void refuseNulls(List<String> names) {
        if (!names.isEmpty()) {
            throw new InvalidRequestException("Null value not supported for : " + String.join(", ", names));
        }
    }

    private static ConfigResource resource(byte type, String name) {
        return new ConfigResource(ConfigResource.Type.forId(type), name);
    }

    /** A broker changes its own configuration or the cluster's default; log levels have no older form of the call. */
    private void checkResource(ConfigResource resource) {
        switch (resource.type()) {
            case TOPIC, CLIENT_METRICS, GROUP -> {}
            case BROKER -> {
                if (!resource.name().isEmpty() && ConfigChangeValidation.parseNodeId(resource.name()) != nodeId) {
                    throw new InvalidRequestException(
                            "Unexpected broker id, expected " + nodeId + ", but received " + resource.name());
                }
            }
            default -> throw new InvalidRequestException("Unknown resource type " + resource.type());
        }
    }

    private static void tryOne(ConfigResource id, Map<ConfigResource, ApiError> answered, Runnable check) {
        if (answered.containsKey(id)) {
            return;
        }
        try {
            check.run();
        } catch (RuntimeException e) {
            answered.put(id, KafkaErrors.apiErrorOf(e));
        }
    }

    /** Sends what was accepted to the controller and adds what was answered here. */
    private static <T> CompletableFuture<Map<ConfigResource, ApiError>> ask(
            Map<ConfigResource, T> accepted,
            Map<ConfigResource, ApiError> answered,
            java.util.function.Function<Map<ConfigResource, T>, CompletableFuture<Map<ConfigResource, ApiError>>>
                    call) {
        accepted.keySet().removeAll(answered.keySet());
        if (accepted.isEmpty()) {
            return CompletableFuture.completedFuture(answered);
        }
        return call.apply(accepted).thenApply(results -> {
            Map<ConfigResource, ApiError> all = new HashMap<>(results);
            all.putAll(answered);
            return all;
        });
    }

    private static ApiError errorOf(Map<ConfigResource, ApiError> results, ConfigResource id) {
        return results.getOrDefault(id, new ApiError(Errors.UNKNOWN_SERVER_ERROR));
    }

    private static AlterConfigsResourceResponse incrementalAnswer(ConfigResource id, ApiError error) {
        return new AlterConfigsResourceResponse()
                .setResourceType(id.type().id())
                .setResourceName(id.name())
                .setErrorCode(error.error().code())
                .setErrorMessage(error.message());
    }

    private static AlterConfigsResponseData.AlterConfigsResourceResponse legacyAnswer(
            ConfigResource id, ApiError error) {
        return new AlterConfigsResponseData.AlterConfigsResourceResponse()
                .setResourceType(id.type().id())
                .setResourceName(id.name())
                .setErrorCode(error.error().code())
                .setErrorMessage(error.message());
    }
}
