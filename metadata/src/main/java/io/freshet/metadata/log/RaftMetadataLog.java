// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.DescribeQuorumRequestData;
import org.apache.kafka.common.message.DescribeQuorumResponseData;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.utils.internals.LogContext;
import org.apache.kafka.raft.BatchReader;
import org.apache.kafka.raft.KafkaRaftClient;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.RaftClient;
import org.apache.kafka.raft.RaftLog;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;
import org.apache.kafka.raft.errors.BufferAllocationException;
import org.apache.kafka.raft.errors.NotLeaderException;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.SnapshotReader;
import org.apache.kafka.snapshot.SnapshotWriter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The metadata log on Kafka's Raft client, which polls on one thread of its own (that of its driver) and flushes its log
 * to the disk before a record counts as committed. A quorum of one elects itself while it starts.
 */
public final class RaftMetadataLog implements MetadataLog {
    private static final Logger LOG = LoggerFactory.getLogger(RaftMetadataLog.class);

    private final RaftLogSettings settings;
    private final ClockTime time;
    private final HearingChannel channel;
    private final NamedLeaderChannel named;
    private final Metrics metrics = new Metrics();
    private final RaftGround ground;
    private final RaftLog raftLog;
    private final KafkaRaftClient<ApiMessageAndVersion> client;
    private volatile FaultSink faultSink = fault -> {};
    private final Set<CompletableFuture<ApiMessage>> unanswered = ConcurrentHashMap.newKeySet();
    private boolean isClosed;
    private volatile boolean hasStopped;

    /** Opens the log of {@code settings.directory()}, which must be formatted; {@code channel} is closed with the log. */
    public RaftMetadataLog(RaftLogSettings settings, Clock clock, NetworkChannel channel) {
        this(settings, clock, channel, new ThreadedGround(settings.directory()));
    }

    /** The same on another ground. */
    public RaftMetadataLog(RaftLogSettings settings, Clock clock, NetworkChannel channel, RaftGround ground) {
        this.settings = settings;
        this.time = new ClockTime(clock);
        this.channel = new HearingChannel(channel, clock);
        this.ground = ground;
        LogContext context =
                new LogContext("[metadata node=" + settings.nodeId().orElse(-1) + "] ");
        this.raftLog = new RereadingLog(ground.open(settings, time), this::readAgainFrom);
        this.named = new NamedLeaderChannel(this.channel);
        NetworkChannel steady =
                new VoterChangeChannel(named, settings.ownEndpoints(channel.listenerName()), this::isVoter);
        this.client = ground.client(new RaftGround.ClientParts(settings, steady, raftLog, time, context));
    }

    /** Whether the last voters in the log have the node of this id. Raft's thread, or before it runs. */
    private boolean isVoter(int nodeId) {
        return ControlRecords.haveVoter(client, nodeId);
    }

    private void readAgainFrom(long offset) {
        ControlRecords.readAgainFrom(client, offset);
    }

    @Override
    public void start(Listener listener) {
        faultSink = listener::onFault;
        client.register(new Relay(listener));
        client.initialize(Map.of(), new SettledVotes(ground.votes(), nodeId(), this::isVoter), metrics, ignored -> {});
        ground.start(this::onFault);
    }

    private RuntimeException onFault(String message, Throwable fault) {
        LOG.error("The metadata log stopped: {}; restart this node", message, fault);
        faultSink.accept(fault);
        return new FreshetException(ErrorKind.INTERNAL, "The metadata log stopped: " + message, fault);
    }

    @Override
    public long append(int leaderEpoch, List<ApiMessageAndVersion> records) {
        try {
            return client.prepareAppend(leaderEpoch, records);
        } catch (NotLeaderException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "This node does not lead the quorum in epoch " + leaderEpoch + " any more; retry at the new leader",
                    e);
        } catch (RecordBatchTooLargeException e) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "A command of " + records.size() + " records exceeds the largest metadata batch of "
                            + KafkaRaftClient.MAX_BATCH_SIZE_BYTES + " bytes; split it",
                    e);
        } catch (BufferAllocationException | IllegalStateException e) {
            throw new FreshetException(
                    ErrorKind.THROTTLED, "Too many metadata records wait to be written; retry later", e);
        }
    }

    @Override
    public void flush() {
        try {
            client.schedulePreparedAppend();
        } catch (NotLeaderException e) {
            throw new FreshetException(
                    ErrorKind.INDETERMINATE, "Leadership was lost while records were being written", e);
        }
    }

    @Override
    public LeaderAndEpoch leaderAndEpoch() {
        return client.leaderAndEpoch();
    }

    @Override
    public Optional<Node> voter(int voterId) {
        return client.voterNode(voterId, channel.listenerName());
    }

    /** A node that follows learns the voter set from the log, and lacks it until then; the leader's answers say where it is all the same. */
    @Override
    public Optional<Node> place(int nodeId) {
        return voter(nodeId).or(() -> channel.place(nodeId));
    }

    @Override
    public Set<Integer> voterIds() {
        return ControlRecords.voterIds(client);
    }

    @Override
    public void named(Node leader, int epoch) {
        named.named(leader, epoch);
    }

    @Override
    public OptionalLong leaderHeardAtNs() {
        return channel.leaderHeardAtNs();
    }

    /** The client tells the number of voters by a metric only. */
    @Override
    public boolean hasOtherVoters() {
        KafkaMetric voters = metrics.metric(metrics.metricName("number-of-voters", "raft-metrics"));
        return voters == null || !(voters.metricValue() instanceof Integer count) || count > 1;
    }

    @Override
    public int nodeId() {
        return settings.nodeId().orElse(-1);
    }

    @Override
    public OptionalLong highWatermark() {
        return client.highWatermark();
    }

    @Override
    public long endOffset() {
        return client.logEndOffset();
    }

    @Override
    public Optional<SnapshotWriter<ApiMessageAndVersion>> createSnapshot(
            OffsetAndEpoch end, long lastContainedLogTimeMs) {
        return client.createSnapshot(end, lastContainedLogTimeMs).map(ground::steady);
    }

    @Override
    public long snapshotBytes() {
        return client.latestSnapshotId().map(ground::snapshotBytes).orElse(0L);
    }

    @Override
    public void resign(int leaderEpoch) {
        client.resign(leaderEpoch);
    }

    @Override
    public CompletableFuture<DescribeQuorumResponseData> describeQuorum() {
        DescribeQuorumRequestData request = new DescribeQuorumRequestData()
                .setTopics(List.of(new DescribeQuorumRequestData.TopicData()
                        .setTopicName(Topic.CLUSTER_METADATA_TOPIC_NAME)
                        .setPartitions(List.of(new DescribeQuorumRequestData.PartitionData().setPartitionIndex(0)))));
        return answer(request, ApiKeys.DESCRIBE_QUORUM.latestVersion())
                .thenApply(response -> (DescribeQuorumResponseData) response);
    }

    @Override
    public CompletableFuture<ApiMessage> answer(ApiMessage request, short apiVersion) {
        RaftRequest.Inbound inbound = new RaftRequest.Inbound(
                channel.listenerName(), channel.newCorrelationId(), apiVersion, request, time.milliseconds());
        CompletableFuture<ApiMessage> answer =
                client.handle(inbound).thenApply(RaftResponse::data).toCompletableFuture();
        unanswered.add(answer);
        if (hasStopped) {
            answer.completeExceptionally(closed());
        }
        answer.whenComplete((data, error) -> unanswered.remove(answer));
        return answer;
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        ground.stopTimers();
        quietly("raft client", ground::stopClient);
        quietly("scheduler", ground::stopScheduler);
        hasStopped = true;
        unanswered.forEach(answer -> answer.completeExceptionally(closed()));
        quietly("channel", channel::close);
        quietly("log", raftLog::close);
        quietly("metrics", metrics::close);
    }

    private static FreshetException closed() {
        return new FreshetException(ErrorKind.UNAVAILABLE, "This node's metadata log is closed; ask another node");
    }

    static void quietly(String what, Closing closing) {
        try {
            closing.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.warn("Closing the metadata log's {} failed", what, e);
        }
    }

    interface Closing {
        @SuppressWarnings("try")
        void run() throws Exception;
    }

    private interface FaultSink {
        void accept(Throwable fault);
    }

    /** Kafka's listener in our port's words. */
    private record Relay(Listener listener) implements RaftClient.Listener<ApiMessageAndVersion> {
        @Override
        public void handleCommit(BatchReader<ApiMessageAndVersion> reader) {
            listener.onCommit(reader);
        }

        @Override
        public void handleLoadSnapshot(SnapshotReader<ApiMessageAndVersion> reader) {
            listener.onSnapshot(reader);
        }

        @Override
        public void handleLoadBootstrap(SnapshotReader<ApiMessageAndVersion> reader) {
            listener.onBootstrap(reader);
        }

        @Override
        public void handleLeaderChange(LeaderAndEpoch leader) {
            listener.onLeaderChange(leader);
        }
    }
}
