// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.message.ListConfigResourcesResponseData;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.requests.ListConfigResourcesRequest;
import org.apache.kafka.common.requests.ListConfigResourcesResponse;
import org.apache.kafka.image.ConfigurationsImage;
import org.apache.kafka.metadata.KRaftMetadataCache;

/** Lists what has, or can have, configurations: topics, brokers, their loggers, and configured groups and subscriptions. */
final class ListConfigResourcesHandler implements RequestHandler {
    private final KRaftMetadataCache cache;
    private final BrokerConfigs configs;

    ListConfigResourcesHandler(KRaftMetadataCache cache, BrokerConfigs configs) {
        this.cache = cache;
        this.configs = configs;
    }

    @Override
    public void handle(KafkaRequest request) {
        ListConfigResourcesRequest body = (ListConfigResourcesRequest) request.body();
        Set<Byte> types = new HashSet<>(body.data().resourceTypes());
        if (types.isEmpty()) {
            types = body.supportedResourceTypes();
        }
        if (!body.supportedResourceTypes().containsAll(types)) {
            throw new UnsupportedVersionException(
                    "Resource types " + types + " cannot be listed in version " + body.version());
        }
        ListenerName listener = new ListenerName(request.listenerName());
        ConfigurationsImage image = configs.image();
        List<ListConfigResourcesResponseData.ConfigResource> found = new ArrayList<>();
        for (byte type : types) {
            names(ConfigResource.Type.forId(type), image, listener)
                    .forEach(name -> found.add(new ListConfigResourcesResponseData.ConfigResource()
                            .setResourceName(name)
                            .setResourceType(type)));
        }
        request.respond(
                new ListConfigResourcesResponse(new ListConfigResourcesResponseData().setConfigResources(found)));
    }

    private Stream<String> names(ConfigResource.Type type, ConfigurationsImage image, ListenerName listener) {
        return switch (type) {
            case TOPIC -> cache.getAllTopics().stream();
            case BROKER, BROKER_LOGGER ->
                cache.getBrokerNodes(listener).stream().map(node -> Integer.toString(node.id()));
            case GROUP, CLIENT_METRICS ->
                image.resourceData().entrySet().stream()
                        .filter(entry -> entry.getKey().type() == type
                                && !entry.getValue().isEmpty())
                        .map(entry -> entry.getKey().name());
            case UNKNOWN -> Stream.empty();
        };
    }
}
