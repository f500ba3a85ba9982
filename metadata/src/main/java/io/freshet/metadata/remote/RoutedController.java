// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
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
import io.freshet.metadata.remote.BrokerCommandTypes.Process;
import io.freshet.metadata.remote.CommandType.Done;
import io.micrometer.core.instrument.Counter;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
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
import org.apache.kafka.common.requests.ApiError;

/**
 * Has commands run by the node that leads: this one directly, another one over a {@link CommandChannel}; they complete when
 * what they wrote is applied here. What certainly was not done is tried again for a bounded time, at a new leader if there
 * is one; what may have been done is repeated only if the command allows it, else it fails with INDETERMINATE.
 *
 * <p>Safe for use by many threads. Futures complete on the metadata thread, the channel's or the scheduler's.
 */
public final class RoutedController implements ClusterController, AutoCloseable {
    private final CommandHost host;
    private final CommandRouting routing;
    /** Those under way, oldest first. */
    private final Set<CommandCall<?, ?>> calls = Collections.synchronizedSet(new LinkedHashSet<>());

    private final Counter sent;
    private final Counter retried;
    private final Counter lost;
    private volatile boolean isClosed;

    public RoutedController(CommandHost host, CommandRouting routing) {
        this.host = host;
        this.routing = routing;
        this.sent = routing.registry().counter("freshet.metadata.remote.sent");
        this.retried = routing.registry().counter("freshet.metadata.remote.retried");
        this.lost = routing.registry().counter("freshet.metadata.remote.lost");
        routing.registry().gaugeCollectionSize("freshet.metadata.remote.waiting", List.of(), calls);
    }

    /**
     * Tells that another node leads, or none, or that this one does and takes commands: what waits for a leader goes on at
     * once. Any thread.
     */
    public void onLeaderChange() {
        List.copyOf(calls).forEach(CommandCall::onLeaderChange);
    }

    /** Fails what is under way, and closes the channel. */
    @Override
    public void close() {
        isClosed = true;
        List.copyOf(calls).forEach(call -> call.abandon(stopping()));
        routing.ownedChannel().close();
    }

    <Q, A> CompletableFuture<A> call(CommandType<Q, A> type, Q question) {
        if (isClosed) {
            return CompletableFuture.failedFuture(stopping());
        }
        if (calls.size() >= routing.limits().maxWaiting()) {
            return CompletableFuture.failedFuture(new FreshetException(
                    ErrorKind.THROTTLED,
                    calls.size() + " commands wait for the leader of the metadata quorum already; retry later"));
        }
        CommandCall<Q, A> call = new CommandCall<>(this, host, routing, type, question);
        calls.add(call);
        CompletableFuture<A> result = call.begin();
        if (isClosed) {
            call.abandon(stopping());
        }
        return result;
    }

    void ended(CommandCall<?, ?> call) {
        calls.remove(call);
    }

    void countSent() {
        sent.increment();
    }

    void countRetried() {
        retried.increment();
    }

    void countLost() {
        lost.increment();
    }

    private static FreshetException stopping() {
        return new FreshetException(ErrorKind.UNAVAILABLE, "This metadata node is stopping; use another one");
    }

    private <Q> CompletableFuture<Void> run(CommandType<Q, Done> type, Q question) {
        return call(type, question).thenAccept(done -> {});
    }

    @Override
    public CompletableFuture<CreateTopicsResponseData> createTopics(
            CreateTopicsRequestData request, Set<String> describable) {
        return call(TopicCommandTypes.CREATE_TOPICS, new TopicCommandTypes.CreateTopics(request, describable));
    }

    @Override
    public CompletableFuture<Map<Uuid, ApiError>> deleteTopics(List<Uuid> topicIds) {
        return call(TopicCommandTypes.DELETE_TOPICS, topicIds);
    }

    @Override
    public CompletableFuture<List<CreatePartitionsTopicResult>> createPartitions(
            List<CreatePartitionsTopic> topics, boolean validateOnly) {
        return call(TopicCommandTypes.CREATE_PARTITIONS, new TopicCommandTypes.CreatePartitions(topics, validateOnly));
    }

    @Override
    public CompletableFuture<Map<ConfigResource, ApiError>> incrementalAlterConfigs(
            Map<ConfigResource, Map<String, ConfigChange>> changes, boolean validateOnly) {
        return call(
                TopicCommandTypes.INCREMENTAL_ALTER_CONFIGS,
                new TopicCommandTypes.ConfigChanges(changes, validateOnly));
    }

    @Override
    public CompletableFuture<Map<ConfigResource, ApiError>> legacyAlterConfigs(
            Map<ConfigResource, Map<String, String>> configs, boolean validateOnly) {
        return call(TopicCommandTypes.LEGACY_ALTER_CONFIGS, new TopicCommandTypes.ConfigValues(configs, validateOnly));
    }

    @Override
    public CompletableFuture<IdRange> allocateProducerIds(int brokerId, long brokerEpoch) {
        return call(BrokerCommandTypes.ALLOCATE_PRODUCER_IDS, new Process(brokerId, brokerEpoch));
    }

    @Override
    public CompletableFuture<RegisteredBroker> registerBroker(BrokerSpec registration) {
        return call(BrokerCommandTypes.REGISTER_BROKER, registration);
    }

    @Override
    public CompletableFuture<Void> registerController(ControllerSpec registration) {
        return run(FeatureCommandTypes.REGISTER_CONTROLLER, registration);
    }

    @Override
    public CompletableFuture<ApiError> updateFeatures(UpdateFeaturesRequestData request) {
        return call(FeatureCommandTypes.UPDATE_FEATURES, request);
    }

    @Override
    public CompletableFuture<HeartbeatAnswer> heartbeat(BrokerHeartbeat heartbeat) {
        return call(MemberCommandTypes.HEARTBEAT, heartbeat);
    }

    @Override
    public CompletableFuture<AlterPartitionReassignmentsResponseData> alterPartitionReassignments(
            AlterPartitionReassignmentsRequestData request) {
        return call(MemberCommandTypes.ALTER_PARTITION_REASSIGNMENTS, request);
    }

    @Override
    public CompletableFuture<ElectLeadersResponseData> electLeaders(ElectLeadersRequestData request) {
        return call(MemberCommandTypes.ELECT_LEADERS, request);
    }

    @Override
    public CompletableFuture<List<Boolean>> handOver(
            int brokerId, long brokerEpoch, List<PartitionHandOver> partitions) {
        return call(
                MemberCommandTypes.HAND_OVER,
                new MemberCommandTypes.HandOver(new Process(brokerId, brokerEpoch), partitions));
    }

    @Override
    public CompletableFuture<Void> drainBroker(int brokerId, boolean isDrained) {
        return run(MemberCommandTypes.DRAIN_BROKER, new MemberCommandTypes.Drain(brokerId, isDrained));
    }

    @Override
    public CompletableFuture<Void> unregisterBroker(int brokerId) {
        return run(MemberCommandTypes.UNREGISTER_BROKER, brokerId);
    }

    @Override
    public CompletableFuture<Void> reportLoads(LoadReport report) {
        return run(BalanceCommandTypes.REPORT_LOADS, report);
    }

    @Override
    public CompletableFuture<BalanceDescription> describeBalance() {
        return call(BalanceCommandTypes.DESCRIBE_BALANCE, Done.DONE);
    }

    @Override
    public CompletableFuture<IdRange> reserveObjectIds(int count) {
        return call(StreamCommandTypes.RESERVE_OBJECT_IDS, count);
    }

    @Override
    public CompletableFuture<Set<Long>> commitObject(ObjectCommit commit) {
        return call(StreamCommandTypes.COMMIT_OBJECT, commit);
    }

    @Override
    public CompletableFuture<Set<Long>> replaceSegments(SegmentReplacement replacement) {
        return call(StreamCommandTypes.REPLACE_SEGMENTS, replacement);
    }

    @Override
    public CompletableFuture<Boolean> leaseJob(String job, int brokerId, long brokerEpoch, long durationMs) {
        return call(
                StreamCommandTypes.LEASE_JOB, new StreamCommandTypes.JobLease(job, brokerId, brokerEpoch, durationMs));
    }

    @Override
    public CompletableFuture<Void> trimStream(long streamId, int leaderEpoch, long newStartOffset) {
        return run(StreamCommandTypes.TRIM_STREAM, new StreamCommandTypes.Trim(streamId, leaderEpoch, newStartOffset));
    }

    @Override
    public CompletableFuture<Void> forgetObjects(List<Long> objectIds) {
        return run(StreamCommandTypes.FORGET_OBJECTS, objectIds);
    }

    @Override
    public CompletableFuture<ManifestPages> readManifests(ManifestQuery query) {
        return call(QueryTypes.READ_MANIFESTS, query);
    }

    @Override
    public CompletableFuture<List<LiveObject>> readObjects(long afterObjectId, int limit) {
        return call(QueryTypes.READ_OBJECTS, new QueryTypes.ObjectsAfter(afterObjectId, limit));
    }

    @Override
    public CompletableFuture<List<RetiredObject>> readRetiredObjects(int limit) {
        return call(QueryTypes.READ_RETIRED_OBJECTS, limit);
    }

    @Override
    public CompletableFuture<List<ObjectState>> readObjectStates(List<Long> objectIds) {
        return call(QueryTypes.READ_OBJECT_STATES, objectIds);
    }

    @Override
    public CompletableFuture<Void> openWal(int brokerId, long brokerEpoch) {
        return run(WalCommandTypes.OPEN_WAL, new Process(brokerId, brokerEpoch));
    }

    @Override
    public CompletableFuture<Void> sealWal(WalSeal seal) {
        return run(WalCommandTypes.SEAL_WAL, seal);
    }

    @Override
    public CompletableFuture<Void> importWal(int brokerId, long brokerEpoch, WalSeal seal) {
        return run(WalCommandTypes.IMPORT_WAL, new WalCommandTypes.Import(new Process(brokerId, brokerEpoch), seal));
    }

    @Override
    public CompletableFuture<Void> trimWal(int brokerId, long brokerEpoch, long startSlot) {
        return run(WalCommandTypes.TRIM_WAL, new WalCommandTypes.Trim(new Process(brokerId, brokerEpoch), startSlot));
    }

    @Override
    public CompletableFuture<Void> retireWal(int brokerId, long brokerEpoch) {
        return run(WalCommandTypes.RETIRE_WAL, new Process(brokerId, brokerEpoch));
    }

    @Override
    public CompletableFuture<Void> barrier() {
        return run(BrokerCommandTypes.BARRIER, Done.DONE);
    }
}
