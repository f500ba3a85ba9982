// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.record.MetadataLogSerde;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.internals.Topic;
import org.apache.kafka.common.message.DescribeQuorumRequestData;
import org.apache.kafka.common.message.DescribeQuorumResponseData;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.utils.internals.LogContext;
import org.apache.kafka.raft.BatchReader;
import org.apache.kafka.raft.Endpoints;
import org.apache.kafka.raft.FileQuorumStateStore;
import org.apache.kafka.raft.KafkaRaftClient;
import org.apache.kafka.raft.KafkaRaftClientDriver;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.apache.kafka.raft.NetworkChannel;
import org.apache.kafka.raft.QuorumConfig;
import org.apache.kafka.raft.RaftClient;
import org.apache.kafka.raft.RaftLog;
import org.apache.kafka.raft.RaftRequest;
import org.apache.kafka.raft.RaftResponse;
import org.apache.kafka.raft.TimingWheelExpirationService;
import org.apache.kafka.raft.errors.BufferAllocationException;
import org.apache.kafka.raft.errors.NotLeaderException;
import org.apache.kafka.raft.internals.KafkaRaftLog;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.Feature;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.server.util.timer.SystemTimer;
import org.apache.kafka.snapshot.SnapshotReader;
import org.apache.kafka.snapshot.SnapshotWriter;
import org.apache.kafka.snapshot.Snapshots;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The metadata log on Kafka's Raft client, which polls on one thread of its own (that of its driver) and flushes its log
 * to the disk before a record counts as committed. A quorum of one elects itself while it starts.
 */
public final class RaftMetadataLog implements MetadataLog {
    private static final Logger LOG = LoggerFactory.getLogger(RaftMetadataLog.class);

    private final RaftLogSettings settings;
    private final Clock clock;
    private final HearingChannel channel;
    private final Metrics metrics = new Metrics();
    private final KafkaScheduler scheduler = new KafkaScheduler(1, true, "freshet-raft-scheduler");
    private final SystemTimer timer = new SystemTimer("freshet-raft-expiration");
    private final TimingWheelExpirationService expiration = new TimingWheelExpirationService(timer);
    private final Path logDirectory;
    private final RaftLog raftLog;
    private final KafkaRaftClient<ApiMessageAndVersion> client;
    private volatile FaultSink faultSink = fault -> {};
    private final KafkaRaftClientDriver<ApiMessageAndVersion> driver;
    private boolean isStarted;
    private final Set<CompletableFuture<ApiMessage>> unanswered = ConcurrentHashMap.newKeySet();
    private boolean isClosed;
    private volatile boolean hasStopped;

    /** Opens the log of {@code settings.directory()}, which must be formatted; {@code channel} is closed with the log. */
    public RaftMetadataLog(RaftLogSettings settings, Clock clock, NetworkChannel channel) {
        this.settings = settings;
        this.clock = clock;
        this.channel = new HearingChannel(channel, clock);
        this.logDirectory = settings.directory().resolve(Topic.CLUSTER_METADATA_TOPIC_NAME + "-0");
        ClockTime time = new ClockTime(clock);
        LogContext context =
                new LogContext("[metadata node=" + settings.nodeId().orElse(-1) + "] ");
        scheduler.startup();
        this.raftLog = openLog(time);
        this.client = new KafkaRaftClient<>(
                settings.nodeId(),
                settings.directoryId(),
                new MetadataLogSerde(),
                this.channel,
                raftLog,
                time,
                expiration,
                context,
                settings.isVoterCapable(),
                settings.clusterId(),
                bootstrapAddresses(),
                ownEndpoints(),
                Feature.KRAFT_VERSION.supportedVersionRange(),
                settings.quorumConfig());
        this.driver = new KafkaRaftClientDriver<>(client, "freshet-raft", this::onFault, context);
    }

    private RaftLog openLog(ClockTime time) {
        try {
            Files.createDirectories(logDirectory);
            KafkaRaftLog kafkas = KafkaRaftLog.createLog(
                    Topic.CLUSTER_METADATA_TOPIC_PARTITION,
                    Uuid.METADATA_TOPIC_ID,
                    logDirectory.toFile(),
                    time,
                    scheduler,
                    settings.logConfig(),
                    settings.nodeId().orElse(-1));
            return new LeanFlushLog(kafkas, logDirectory);
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Cannot open the metadata log in " + logDirectory + ": " + e.getMessage()
                            + "; check the disk and the directory's rights",
                    e);
        }
    }

    private InetSocketAddress ownAddress() {
        return InetSocketAddress.createUnresolved(settings.controllerHost(), settings.controllerPort());
    }

    /** Only a voter is ever asked something by its peers. */
    private Endpoints ownEndpoints() {
        return settings.isVoterCapable()
                ? Endpoints.fromInetSocketAddresses(Map.of(channel.listenerName(), ownAddress()))
                : Endpoints.empty();
    }

    private List<InetSocketAddress> bootstrapAddresses() {
        return settings.bootstrapServers().isEmpty()
                ? List.of(ownAddress())
                : QuorumConfig.parseBootstrapServers(settings.bootstrapServers());
    }

    @Override
    public void start(Listener listener) {
        faultSink = listener::onFault;
        client.register(new Relay(listener));
        File quorumState =
                logDirectory.resolve(FileQuorumStateStore.DEFAULT_FILE_NAME).toFile();
        client.initialize(Map.of(), new FileQuorumStateStore(quorumState), metrics, ignored -> {});
        driver.start();
        isStarted = true;
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

    /**
     * A node that follows learns the voter set from the log, and may lack it for ever: of a log that was cut when another leader
     * was elected, Kafka's client does not read again what comes in the place of the records that are gone. The leader's answers say where
     * it is all the same.
     */
    @Override
    public Optional<Node> place(int nodeId) {
        return voter(nodeId).or(() -> channel.place(nodeId));
    }

    @Override
    public OptionalLong heardAtNs(int nodeId) {
        return channel.heardAtNs(nodeId);
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
        return client.createSnapshot(end, lastContainedLogTimeMs)
                .map(writer -> SteadySnapshotWriter.of(writer, logDirectory));
    }

    @Override
    public long snapshotBytes() {
        return client.latestSnapshotId()
                .map(id -> Snapshots.snapshotPath(logDirectory, id).toFile().length())
                .orElse(0L);
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
                channel.listenerName(), channel.newCorrelationId(), apiVersion, request, clock.wallMs());
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
        quietly("expiration service", expiration::shutdown);
        quietly("expiration timer", timer::close);
        quietly("raft client", isStarted ? driver::shutdown : client::close);
        quietly("scheduler", scheduler::shutdown);
        hasStopped = true;
        unanswered.forEach(answer -> answer.completeExceptionally(closed()));
        quietly("channel", channel::close);
        quietly("log", raftLog::close);
        quietly("metrics", metrics::close);
    }

    private static FreshetException closed() {
        return new FreshetException(ErrorKind.UNAVAILABLE, "This node's metadata log is closed; ask another node");
    }

    private static void quietly(String what, Closing closing) {
        try {
            closing.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.warn("Closing the metadata log's {} failed", what, e);
        }
    }

    private interface Closing {
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
