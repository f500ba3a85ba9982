// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.WalSeal;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.ManifestPages;
import io.freshet.metadata.ManifestQuery;
import io.freshet.metadata.Manifests;
import io.freshet.metadata.MetadataNode;
import io.freshet.metadata.ObjectState;
import io.freshet.metadata.balance.BalanceDescription;
import io.freshet.metadata.balance.LoadReport;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreatePartitionsResponseData.CreatePartitionsTopicResult;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicResult;
import org.apache.kafka.common.message.ElectLeadersRequestData;
import org.apache.kafka.common.message.ElectLeadersResponseData;
import org.apache.kafka.common.message.UpdateFeaturesRequestData;
import org.apache.kafka.common.metadata.ConfigRecord;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.common.metadata.RegisterBrokerRecord;
import org.apache.kafka.common.metadata.RegisterBrokerRecord.BrokerEndpoint;
import org.apache.kafka.common.metadata.RegisterBrokerRecord.BrokerEndpointCollection;
import org.apache.kafka.common.metadata.RemoveTopicRecord;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.controller.ConfigurationValidator;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.server.common.GroupVersion;
import org.apache.kafka.server.common.MetadataVersion;

/** A metadata node and its controller in memory: Kafka's records make Kafka's image, with this one broker as every leader. */
public final class MemoryCluster implements MetadataNode, ClusterController {
    public static final String LISTENER = "PLAINTEXT";
    public static final String CLUSTER_ID = "test-cluster-id-000000";

    private final int nodeId;
    private final MemoryPartitionLogs partitions;
    private final List<ImageListener> listeners = new ArrayList<>();
    private MetadataImage image = MetadataImage.EMPTY;
    private long offset;
    private long nextProducerId;
    public ConfigurationValidator validator = ConfigurationValidator.NO_OP;
    public final List<IdRange> allocatedProducerIds = new ArrayList<>();
    public RuntimeException failure;

    public MemoryCluster(int nodeId, MemoryPartitionLogs partitions) {
        this.nodeId = nodeId;
        this.partitions = partitions;
        BrokerEndpointCollection endpoints = new BrokerEndpointCollection();
        endpoints.add(new BrokerEndpoint()
                .setName(LISTENER)
                .setHost("broker.test")
                .setPort(9092)
                .setSecurityProtocol((short) 0));
        replay(List.of(
                new FeatureLevelRecord()
                        .setName(MetadataVersion.FEATURE_NAME)
                        .setFeatureLevel(MetadataVersion.LATEST_PRODUCTION.featureLevel()),
                new FeatureLevelRecord()
                        .setName(GroupVersion.FEATURE_NAME)
                        .setFeatureLevel(GroupVersion.GV_1.featureLevel()),
                new RegisterBrokerRecord()
                        .setBrokerId(nodeId)
                        .setIncarnationId(Uuid.randomUuid())
                        .setBrokerEpoch(1)
                        .setEndPoints(endpoints)
                        .setRack("zone-a")
                        .setFenced(false)));
    }

    public synchronized void replay(List<? extends ApiMessage> records) {
        MetadataDelta delta = new MetadataDelta.Builder().setImage(image).build();
        records.forEach(delta::replay);
        offset++;
        image = delta.apply(new MetadataProvenance(offset, 1, 0, true));
        listeners.forEach(listener -> listener.onChange(delta, image));
    }

    public Uuid createTopic(String name, int partitionCount) {
        CreateTopicsRequestData request = new CreateTopicsRequestData();
        request.topics()
                .add(new CreatableTopic()
                        .setName(name)
                        .setNumPartitions(partitionCount)
                        .setReplicationFactor((short) 1));
        createTopics(request, Set.of()).join();
        return image().topics().getTopic(name).id();
    }

    @Override
    public CompletableFuture<CreateTopicsResponseData> createTopics(
            CreateTopicsRequestData request, Set<String> describable) {
        if (failure != null) {
            return CompletableFuture.failedFuture(failure);
        }
        CreateTopicsResponseData response = new CreateTopicsResponseData();
        for (CreatableTopic topic : request.topics()) {
            response.topics().add(create(topic));
        }
        return CompletableFuture.completedFuture(response);
    }

    private CreatableTopicResult create(CreatableTopic topic) {
        CreatableTopicResult result = new CreatableTopicResult().setName(topic.name());
        if (image().topics().getTopic(topic.name()) != null) {
            return result.setErrorCode(Errors.TOPIC_ALREADY_EXISTS.code());
        }
        Uuid id = Uuid.randomUuid();
        int count = topic.numPartitions() < 0 ? 1 : topic.numPartitions();
        List<ApiMessage> records = new ArrayList<>();
        records.add(new TopicRecord().setName(topic.name()).setTopicId(id));
        for (int partition = 0; partition < count; partition++) {
            records.add(partitionRecord(id, partition));
        }
        topic.configs()
                .forEach(config -> records.add(new ConfigRecord()
                        .setResourceType(ConfigResource.Type.TOPIC.id())
                        .setResourceName(topic.name())
                        .setName(config.name())
                        .setValue(config.value())));
        replay(records);
        for (int partition = 0; partition < count; partition++) {
            partitions.open(new TopicIdPartition(id, partition, topic.name()), 0, null);
        }
        return result.setTopicId(id).setNumPartitions(count).setReplicationFactor((short) 1);
    }

    private PartitionRecord partitionRecord(Uuid id, int partition) {
        return new PartitionRecord()
                .setTopicId(id)
                .setPartitionId(partition)
                .setReplicas(List.of(nodeId))
                .setIsr(List.of(nodeId))
                .setDirectories(List.of(org.apache.kafka.common.DirectoryId.UNASSIGNED))
                .setLeader(nodeId)
                .setLeaderEpoch(0)
                .setPartitionEpoch(0);
    }

    @Override
    public CompletableFuture<Map<Uuid, ApiError>> deleteTopics(List<Uuid> topicIds) {
        Map<Uuid, ApiError> results = new HashMap<>();
        for (Uuid id : topicIds) {
            TopicImage topic = image().topics().getTopic(id);
            replay(List.of(new RemoveTopicRecord().setTopicId(id)));
            topic.partitions()
                    .keySet()
                    .forEach(partition -> partitions.closePartition(new TopicPartition(topic.name(), partition), true));
            results.put(id, ApiError.NONE);
        }
        return CompletableFuture.completedFuture(results);
    }

    @Override
    public CompletableFuture<List<CreatePartitionsTopicResult>> createPartitions(
            List<CreatePartitionsTopic> topics, boolean validateOnly) {
        List<CreatePartitionsTopicResult> results = new ArrayList<>();
        for (CreatePartitionsTopic wanted : topics) {
            TopicImage topic = image().topics().getTopic(wanted.name());
            for (int partition = topic.partitions().size(); partition < wanted.count(); partition++) {
                replay(List.of(partitionRecord(topic.id(), partition)));
            }
            results.add(new CreatePartitionsTopicResult().setName(wanted.name()));
        }
        return CompletableFuture.completedFuture(results);
    }

    @Override
    public CompletableFuture<Map<ConfigResource, ApiError>> incrementalAlterConfigs(
            Map<ConfigResource, Map<String, ConfigChange>> changes, boolean validateOnly) {
        Map<ConfigResource, ApiError> results = new LinkedHashMap<>();
        changes.forEach((resource, ops) -> {
            Map<String, String> after = new HashMap<>(image().configs().configMapForResource(resource));
            List<ApiMessage> records = new ArrayList<>();
            ops.forEach((name, change) -> {
                if (change.value() == null) {
                    after.remove(name);
                } else {
                    after.put(name, change.value());
                }
                records.add(record(resource, name, change.value()));
            });
            results.put(resource, apply(resource, after, records, validateOnly));
        });
        return CompletableFuture.completedFuture(results);
    }

    @Override
    public CompletableFuture<Map<ConfigResource, ApiError>> legacyAlterConfigs(
            Map<ConfigResource, Map<String, String>> configs, boolean validateOnly) {
        Map<ConfigResource, ApiError> results = new LinkedHashMap<>();
        configs.forEach((resource, after) -> {
            List<ApiMessage> records = new ArrayList<>();
            image().configs().configMapForResource(resource).keySet().stream()
                    .filter(name -> !after.containsKey(name))
                    .forEach(name -> records.add(record(resource, name, null)));
            after.forEach((name, value) -> records.add(record(resource, name, value)));
            results.put(resource, apply(resource, after, records, validateOnly));
        });
        return CompletableFuture.completedFuture(results);
    }

    private ApiError apply(
            ConfigResource resource, Map<String, String> after, List<ApiMessage> records, boolean validateOnly) {
        try {
            validator.validate(resource, after, image().configs().configMapForResource(resource));
        } catch (RuntimeException e) {
            return ApiError.fromThrowable(e);
        }
        if (!validateOnly) {
            replay(records);
        }
        return ApiError.NONE;
    }

    private static ConfigRecord record(ConfigResource resource, String name, String value) {
        return new ConfigRecord()
                .setResourceType(resource.type().id())
                .setResourceName(resource.name())
                .setName(name)
                .setValue(value);
    }

    @Override
    public synchronized CompletableFuture<IdRange> allocateProducerIds(int brokerId, long brokerEpoch) {
        if (failure != null) {
            return CompletableFuture.failedFuture(failure);
        }
        IdRange range = new IdRange(nextProducerId, nextProducerId + 10);
        nextProducerId += 10;
        allocatedProducerIds.add(range);
        return CompletableFuture.completedFuture(range);
    }

    @Override
    public CompletableFuture<RegisteredBroker> registerBroker(BrokerSpec registration) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<HeartbeatAnswer> heartbeat(BrokerHeartbeat heartbeat) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<AlterPartitionReassignmentsResponseData> alterPartitionReassignments(
            AlterPartitionReassignmentsRequestData request) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<ElectLeadersResponseData> electLeaders(ElectLeadersRequestData request) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<List<Boolean>> handOver(
            int brokerId, long brokerEpoch, List<PartitionHandOver> partitions) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> drainBroker(int brokerId, boolean isDrained) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> registerController(ControllerSpec registration) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<ApiError> updateFeatures(UpdateFeaturesRequestData request) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> unregisterBroker(int brokerId) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> reportLoads(LoadReport report) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<BalanceDescription> describeBalance() {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<IdRange> reserveObjectIds(int count) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Set<Long>> commitObject(ObjectCommit commit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> trimStream(long streamId, int leaderEpoch, long newStartOffset) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> forgetObjects(List<Long> objectIds) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Set<Long>> replaceSegments(SegmentReplacement replacement) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Boolean> leaseJob(String job, int brokerId, long brokerEpoch, long durationMs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> openWal(int brokerId, long brokerEpoch) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> sealWal(WalSeal seal) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> importWal(int brokerId, long brokerEpoch, WalSeal seal) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> trimWal(int brokerId, long brokerEpoch, long startSlot) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> retireWal(int brokerId, long brokerEpoch) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<ManifestPages> readManifests(ManifestQuery query) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<List<LiveObject>> readObjects(long afterObjectId, int limit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<List<RetiredObject>> readRetiredObjects(int limit) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<List<ObjectState>> readObjectStates(List<Long> objectIds) {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<Void> barrier() {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public synchronized MetadataImage image() {
        return image;
    }

    @Override
    public Manifests manifests() {
        throw new UnsupportedOperationException();
    }

    @Override
    public ClusterController controller() {
        return this;
    }

    @Override
    public synchronized void addListener(ImageListener listener) {
        listeners.add(listener);
        MetadataDelta delta =
                new MetadataDelta.Builder().setImage(MetadataImage.EMPTY).build();
        image.write(
                new org.apache.kafka.image.writer.ImageWriter() {
                    @Override
                    public void write(org.apache.kafka.server.common.ApiMessageAndVersion record) {
                        delta.replay(record.message());
                    }

                    @Override
                    public void close(boolean complete) {}
                },
                new org.apache.kafka.image.writer.ImageWriterOptions.Builder(
                                image.features().metadataVersionOrThrow())
                        .build());
        listener.onChange(delta, image);
    }

    @Override
    public CompletableFuture<Void> awaitOffset(long wanted) {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> ready() {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public String clusterId() {
        return CLUSTER_ID;
    }

    @Override
    public void close() {}
}
