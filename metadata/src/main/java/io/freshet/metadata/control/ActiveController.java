// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.WalSeal;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.ManifestPages;
import io.freshet.metadata.ManifestQuery;
import io.freshet.metadata.ObjectState;
import io.freshet.metadata.balance.BalanceDescription;
import io.freshet.metadata.balance.LoadReport;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.IntPredicate;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreatePartitionsResponseData.CreatePartitionsTopicResult;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.message.ElectLeadersRequestData;
import org.apache.kafka.common.message.ElectLeadersResponseData;
import org.apache.kafka.common.message.UpdateFeaturesRequestData;
import org.apache.kafka.common.metadata.NoOpRecord;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** The commands, put into the queue. Safe for use by many threads. */
public final class ActiveController implements ClusterController {
    private final CommandQueue queue;
    private final TopicCommands topics;
    private final ConfigCommands configs;
    private final StreamCommands streams;
    private final ReplacementCommands replacements;
    private final JobLeases leases;
    private final FeatureCommands features;
    private final Upkeep upkeep;
    private final Balancing balancing;
    private final StateReading reading;
    private final PastIncarnations pastIncarnations = new PastIncarnations();

    /**
     * How long a broker may be silent before it is fenced, where nothing else is said: with the next tick, the commit of the fencing and what
     * a loaded machine adds, its death is noticed within 3 s.
     */
    public static final long DEFAULT_SESSION_TIMEOUT_MS = 2500;

    public ActiveController(CommandQueue queue, Inputs inputs) {
        this(queue, inputs, DEFAULT_SESSION_TIMEOUT_MS, Runnable::run, Runnable::run, id -> true);
    }

    /**
     * @param sessionTimeoutMs how long a broker may be silent before it is fenced
     * @param planner makes plans for balancing, each of which may take a while
     * @param reader looks up what other nodes ask for
     * @param isVoter whether the node of an id votes now
     */
    public ActiveController(
            CommandQueue queue,
            Inputs inputs,
            long sessionTimeoutMs,
            Executor planner,
            Executor reader,
            IntPredicate isVoter) {
        this.queue = queue;
        this.configs = new ConfigCommands(inputs);
        this.topics = new TopicCommands(inputs, configs);
        this.streams = new StreamCommands(inputs);
        this.replacements = new ReplacementCommands(inputs);
        this.leases = new JobLeases(inputs.clock());
        this.features = new FeatureCommands(isVoter);
        this.upkeep = new Upkeep(queue, inputs.clock(), sessionTimeoutMs);
        this.balancing = new Balancing(queue.nodeId(), queue, inputs, planner);
        this.reading = new StateReading(queue, reader);
    }

    /** What has to be called regularly, and when something has changed, for brokers' sessions to end and their partitions to move. */
    public Upkeep upkeep() {
        return upkeep;
    }

    /** What has to be called regularly for brokers' loads to become even. */
    public Balancing balancing() {
        return balancing;
    }

    @Override
    public CompletableFuture<CreateTopicsResponseData> createTopics(
            CreateTopicsRequestData request, Set<String> describable) {
        return queue.submit(state -> topics.create(state, request, describable));
    }

    @Override
    public CompletableFuture<Map<Uuid, ApiError>> deleteTopics(List<Uuid> topicIds) {
        return queue.submit(state -> topics.delete(state, topicIds));
    }

    @Override
    public CompletableFuture<List<CreatePartitionsTopicResult>> createPartitions(
            List<CreatePartitionsTopic> wanted, boolean validateOnly) {
        return queue.submit(state -> PartitionCommands.create(state, wanted, validateOnly));
    }

    @Override
    public CompletableFuture<Map<ConfigResource, ApiError>> incrementalAlterConfigs(
            Map<ConfigResource, Map<String, ConfigChange>> changes, boolean validateOnly) {
        return queue.submit(state -> configs.incremental(state, changes, validateOnly));
    }

    @Override
    public CompletableFuture<Map<ConfigResource, ApiError>> legacyAlterConfigs(
            Map<ConfigResource, Map<String, String>> values, boolean validateOnly) {
        return queue.submit(state -> configs.legacy(state, values, validateOnly));
    }

    @Override
    public CompletableFuture<IdRange> allocateProducerIds(int brokerId, long brokerEpoch) {
        return queue.submit(state -> BrokerCommands.allocateProducerIds(state, brokerId, brokerEpoch));
    }

    @Override
    public CompletableFuture<RegisteredBroker> registerBroker(BrokerSpec registration) {
        return queue.submit(state -> BrokerCommands.register(state, registration, pastIncarnations));
    }

    @Override
    public CompletableFuture<Void> registerController(ControllerSpec registration) {
        return queue.submit(state -> FeatureCommands.register(state, registration))
                .thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<ApiError> updateFeatures(UpdateFeaturesRequestData request) {
        return queue.submit(state -> features.update(state, request));
    }

    @Override
    public CompletableFuture<HeartbeatAnswer> heartbeat(BrokerHeartbeat heartbeat) {
        return upkeep.heartbeat(heartbeat);
    }

    @Override
    public CompletableFuture<AlterPartitionReassignmentsResponseData> alterPartitionReassignments(
            AlterPartitionReassignmentsRequestData request) {
        return queue.submit(state -> ReassignCommands.alter(state, request));
    }

    @Override
    public CompletableFuture<ElectLeadersResponseData> electLeaders(ElectLeadersRequestData request) {
        return queue.submit(state -> ElectionCommands.elect(state, request));
    }

    @Override
    public CompletableFuture<List<Boolean>> handOver(
            int brokerId, long brokerEpoch, List<PartitionHandOver> partitions) {
        return queue.submit(state -> HandOverCommands.handOver(state, brokerId, brokerEpoch, partitions));
    }

    @Override
    public CompletableFuture<Void> drainBroker(int brokerId, boolean isDrained) {
        return queue.submit(state -> MemberCommands.drain(state, brokerId, isDrained))
                .thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<Void> unregisterBroker(int brokerId) {
        return queue.submit(state -> MemberCommands.unregister(state, brokerId)).thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<Void> reportLoads(LoadReport report) {
        return balancing.report(report);
    }

    @Override
    public CompletableFuture<BalanceDescription> describeBalance() {
        return balancing.describe();
    }

    @Override
    public CompletableFuture<IdRange> reserveObjectIds(int count) {
        return queue.submit(state -> streams.reserveObjectIds(state, count));
    }

    @Override
    public CompletableFuture<Set<Long>> commitObject(ObjectCommit commit) {
        return queue.submit(state -> streams.commitObject(state, commit));
    }

    @Override
    public CompletableFuture<Void> trimStream(long streamId, int leaderEpoch, long newStartOffset) {
        return queue.submit(state -> streams.trimStream(state, streamId, leaderEpoch, newStartOffset))
                .thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<Void> forgetObjects(List<Long> objectIds) {
        return queue.submit(state -> StreamCommands.forgetObjects(state, objectIds))
                .thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<Void> openWal(int brokerId, long brokerEpoch) {
        return queue.submit(state -> WalCommands.open(state, brokerId, brokerEpoch))
                .thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<Void> sealWal(WalSeal seal) {
        return queue.submit(state -> WalCommands.seal(state, seal)).thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<Void> importWal(int brokerId, long brokerEpoch, WalSeal seal) {
        return queue.submit(state -> WalImports.bringIn(state, brokerId, brokerEpoch, seal))
                .thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<Void> trimWal(int brokerId, long brokerEpoch, long startSlot) {
        return queue.submit(state -> WalCommands.trim(state, brokerId, brokerEpoch, startSlot))
                .thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<Void> retireWal(int brokerId, long brokerEpoch) {
        return queue.submit(state -> WalCommands.retire(state, brokerId, brokerEpoch))
                .thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<Set<Long>> replaceSegments(SegmentReplacement replacement) {
        return queue.submit(state -> replacements.replace(state, replacement));
    }

    @Override
    public CompletableFuture<Boolean> leaseJob(String job, int brokerId, long brokerEpoch, long durationMs) {
        return queue.submit(state -> leases.ask(state, job, brokerId, brokerEpoch, durationMs));
    }

    @Override
    public CompletableFuture<ManifestPages> readManifests(ManifestQuery query) {
        return reading.manifests(query);
    }

    @Override
    public CompletableFuture<List<LiveObject>> readObjects(long afterObjectId, int limit) {
        return reading.objects(afterObjectId, limit);
    }

    @Override
    public CompletableFuture<List<RetiredObject>> readRetiredObjects(int limit) {
        return reading.retired(limit);
    }

    @Override
    public CompletableFuture<List<ObjectState>> readObjectStates(List<Long> objectIds) {
        return reading.states(objectIds);
    }

    /** A record that changes nothing: once it is committed, whatever was before is as well, and this node still leads. */
    @Override
    public CompletableFuture<Void> barrier() {
        return queue.submit(state ->
                        Command.Decision.of(List.of(new ApiMessageAndVersion(new NoOpRecord(), (short) 0)), true))
                .thenAccept(done -> {});
    }
}
