// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.api.ApiRouter;
import io.freshet.broker.api.ApiVersionsHandler;
import io.freshet.broker.api.SupportedFeatures;
import io.freshet.broker.group.GroupApis;
import io.freshet.broker.producerid.InitProducerIdHandler;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.MetadataNode;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.metadata.KRaftMetadataCache;
import org.apache.kafka.server.common.KRaftVersion;

/** Registers every API of this broker that does not move records: versions, metadata, topics, configurations, groups. */
public final class ControlApis {
    private ControlApis() {}

    /** A cache that follows {@code metadata}'s image, as it is at this call and at every change. */
    public static KRaftMetadataCache cacheOf(int nodeId, MetadataNode metadata) {
        KRaftMetadataCache cache = new KRaftMetadataCache(nodeId, () -> KRaftVersion.LATEST_PRODUCTION);
        metadata.addListener((delta, image) -> cache.setImage(image));
        return cache;
    }

    /** Adds the control APIs to {@code router}, ApiVersions among them; it tells whatever is registered when it is asked. */
    public static void register(ApiRouter router, ControlParts parts) {
        int nodeId = parts.configs().nodeId();
        KRaftMetadataCache cache = parts.cache();
        ClusterController controller = parts.metadata().controller();
        String clusterId = parts.metadata().clusterId();
        TopicAutoCreation autoCreation = new TopicAutoCreation(
                controller, parts.configs(), parts.groups().config(), parts.groups()::offsetsTopicConfigs);

        router.register(
                ApiKeys.API_VERSIONS,
                new ApiVersionsHandler(router, clusterId, nodeId, SupportedFeatures.ofThisVersion(), cache::features));
        router.register(ApiKeys.METADATA, new MetadataHandler(clusterId, cache, parts.configs(), autoCreation));
        new ClusterApis(clusterId, cache, parts.configs()).register(router);
        new TopicApis(controller).register(router);
        router.register(ApiKeys.UPDATE_FEATURES, new UpdateFeaturesHandler(controller));
        new MoveApis(controller, parts.metadata()).register(router);
        router.register(ApiKeys.DELETE_TOPICS, new DeleteTopicsHandler(controller, cache, parts.configs()));
        router.register(
                ApiKeys.DESCRIBE_CONFIGS, new DescribeConfigsHandler(cache, parts.configs(), parts.topicConfigs()));
        new AlterConfigsApis(nodeId, controller).register(router);
        router.register(ApiKeys.LIST_CONFIG_RESOURCES, new ListConfigResourcesHandler(cache, parts.configs()));
        router.register(
                ApiKeys.DESCRIBE_LOG_DIRS,
                new DescribeLogDirsHandler(
                        parts.storeName(),
                        () -> parts.metadata().image().topics(),
                        parts.partitions(),
                        parts.partitionSizeBytes()));
        router.register(
                ApiKeys.INIT_PRODUCER_ID,
                new InitProducerIdHandler(() -> controller.allocateProducerIds(
                        nodeId, parts.brokerEpoch().getAsLong())));
        GroupApis.register(
                router,
                parts.groups().coordinator(),
                cache,
                () -> autoCreation.create(Topic.GROUP_METADATA_TOPIC_NAME));
    }
}
