// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.control.ActiveController;
import io.freshet.metadata.control.CommandQueue;
import io.freshet.metadata.control.Inputs;
import io.freshet.metadata.control.Upkeep;
import io.freshet.metadata.follow.ManifestFollower;
import io.freshet.metadata.log.MetadataLog;
import io.freshet.metadata.mirror.CommitPath;
import io.freshet.metadata.mirror.MirrorHost;
import io.freshet.metadata.remote.CommandHost;
import io.freshet.metadata.remote.CommandRouting;
import io.freshet.metadata.remote.CommandService;
import io.freshet.metadata.remote.RoutedController;
import io.freshet.metadata.state.ClusterState;
import io.freshet.metadata.state.ClusterState.FrozenState;
import io.freshet.metadata.state.Holdings;
import io.freshet.metadata.state.ManifestStore;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.message.AddRaftVoterRequestData;
import org.apache.kafka.common.message.AddRaftVoterResponseData;
import org.apache.kafka.common.message.DescribeQuorumResponseData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.raft.BatchReader;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.snapshot.SnapshotReader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node of the quorum: applies the log to the state on the metadata thread, tells listeners, runs commands while it
 * leads, and writes snapshots on a thread of their own. All fields but the executors belong to the metadata thread.
 */
public final class QuorumNode implements MetadataNode {
    private static final Logger LOG = LoggerFactory.getLogger(QuorumNode.class);

    private final String clusterId;
    private final MetadataLog log;
    private final ManifestStore store;
    private final ClusterState state;
    private final CommandQueue commands;
    private final ActiveController local;
    private final Optional<RoutedController> routed;
    private final CommandService service;
    private final Optional<ManifestFollower> follower;
    private final NodeThreads threads;
    private final FreshetVersion.Range versions;
    private final CommitPath path;
    private final SnapshotSchedule snapshots;
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final CompletableFuture<Throwable> fault = new CompletableFuture<>();
    private final List<ImageListener> listeners = new ArrayList<>();
    private final OffsetWaiters waiting = new OffsetWaiters();
    private final List<ApiMessageAndVersion> bootstrap = new ArrayList<>();
    private LeaderAndEpoch leader = LeaderAndEpoch.UNKNOWN;
    private volatile boolean isClosed;

    /** A node that {@link #start} sets going; for those who bring their own log and threads, see {@link MetadataNodes}. */
    public QuorumNode(QuorumParts parts) {
        this.clusterId = parts.clusterId;
        this.log = parts.log;
        this.store = parts.store;
        this.threads = parts.threads;
        this.state = new ClusterState(store);
        this.versions = parts.versions;
        this.path = parts.path.apply(new Host());
        MeterRegistry registry = parts.registry;
        this.commands = new CommandQueue(log, state, threads.metadata(), parts.inputs.clock(), registry);
        this.local = new ActiveController(
                commands,
                parts.inputs,
                parts.sessionTimeoutMs,
                threads.planning(),
                threads.queries(),
                id -> log.voter(id).isPresent());
        this.routed = parts.routing.map(routing -> new RoutedController(new Commanding(), routing));
        this.service = new CommandService(new Commanding(), registry);
        this.follower = parts.following
                .filter(settings -> state.holdings() != null)
                .map(settings -> new ManifestFollower(
                        state, log.nodeId(), controller(), this::onMetadataThread, parts.inputs.clock(), settings));
        this.snapshots = new SnapshotSchedule(log, state, path, threads, parts.snapshotAfterBytes, registry);
        Gauge.builder("freshet.metadata.applied.offset", state, ClusterState::appliedOffset)
                .register(registry);
        Gauge.builder("freshet.metadata.store.memory.bytes", store, ManifestStore::memoryBytes)
                .register(registry);
        Holdings holdings = store.holdings();
        if (holdings != null) {
            Gauge.builder("freshet.metadata.manifests.kept", holdings, Holdings::keptCount)
                    .register(registry);
        }
        Gauge.builder("freshet.metadata.partitions", state, QuorumNode::partitionCount)
                .register(registry);
    }

    /**
     * What a node is made of.
     *
     * @param threads what it runs on; stopped with the node
     * @param sessionTimeoutMs how long a broker may be silent before it is fenced
     * @param versions the levels of {@code freshet.version} that this node knows
     * @param path makes the way from the log to the state
     * @param routing sends commands to the leader when it is another node
     * @param following how to keep a part, if the store does not keep everything
     */
    public record QuorumParts(
            String clusterId,
            MetadataLog log,
            ManifestStore store,
            NodeThreads threads,
            Inputs inputs,
            MeterRegistry registry,
            long snapshotAfterBytes,
            long sessionTimeoutMs,
            FreshetVersion.Range versions,
            Function<MirrorHost, CommitPath> path,
            Optional<CommandRouting> routing,
            Optional<ManifestFollower.Settings> following) {}

    private static double partitionCount(ClusterState state) {
        return state.image().topics().topicsById().values().stream()
                .mapToInt(topic -> topic.partitions().size())
                .sum();
    }

    /** Begins to take part; call it once. */
    public void start() {
        log.start(new Follower());
        threads.ticks().scheduleRepeatedly(Upkeep.TICK_MS, () -> onMetadataThread(this::tick));
    }

    /** The state; only the metadata thread may do more than read it. */
    public ClusterState state() {
        return state;
    }

    private void tick() {
        follower.ifPresent(ManifestFollower::tick);
        local.upkeep().tick(state);
        local.balancing().tick(state);
    }

    @Override
    public MetadataImage image() {
        return state.image();
    }

    @Override
    public Manifests manifests() {
        return state.manifests();
    }

    @Override
    public boolean keepsEverything() {
        return follower.isEmpty();
    }

    @Override
    public CompletableFuture<Void> manifestKept(long streamId) {
        return follower.isEmpty()
                ? CompletableFuture.completedFuture(null)
                : follower.get().kept(streamId);
    }

    /** How large each table of the store is, by its name; reads all of them. For tests and operators. */
    public Map<String, TableSize> tableSizes() {
        return store.tableSizes();
    }

    @Override
    public ClusterController controller() {
        return routed.isPresent() ? routed.get() : local;
    }

    @Override
    public String clusterId() {
        return clusterId;
    }

    @Override
    public CompletableFuture<Void> ready() {
        return ready.copy();
    }

    @Override
    public CompletableFuture<Throwable> fault() {
        return fault.copy();
    }

    /**
     * Answers a command that another node has sent here; never fails, and {@code command} is free when this returns. From any
     * thread.
     */
    public CompletableFuture<ByteBuffer> answerCommand(ByteBuffer command) {
        return service.answer(command);
    }

    /** The quorum as Kafka's DescribeQuorum shows it; on a node that does not lead, the answer carries that error. */
    public CompletableFuture<DescribeQuorumResponseData> describeQuorum() {
        return log.describeQuorum();
    }

    /** Where the controller listener of the quorum's leader is, as far as this node knows. From any thread. */
    public Optional<Node> leaderNode() {
        OptionalInt leaderId = log.leaderAndEpoch().leaderId();
        return leaderId.isPresent() ? log.place(leaderId.getAsInt()) : Optional.empty();
    }

    /**
     * Answers a peer's Raft request; on a node that does not lead, the answer carries that error. The answer may hold slices
     * of files: write it out at once. A node that mirrors its log adds no voters, since the mirror would miss what another
     * leader writes.
     */
    public CompletableFuture<ApiMessage> answerPeer(ApiMessage request, short apiVersion) {
        if (request instanceof AddRaftVoterRequestData && path != CommitPath.DIRECT) {
            return CompletableFuture.completedFuture(new AddRaftVoterResponseData()
                    .setErrorCode(Errors.INVALID_REQUEST.code())
                    .setErrorMessage("This node mirrors its metadata log into the object store, which a quorum of one"
                            + " only can do; set metadata.mirror=off and restart it before adding voters"));
        }
        return log.answer(request, apiVersion);
    }

    @Override
    public void addListener(ImageListener listener) {
        onMetadataThread(() -> {
            listeners.add(listener);
            tell(listener, ClusterState.deltaFromEmpty(state.image()), state.image());
        });
    }

    @Override
    public CompletableFuture<Void> awaitOffset(long offset) {
        CompletableFuture<Void> reached = new CompletableFuture<>();
        if (!onMetadataThread(() -> {
            if (state.appliedOffset() >= offset) {
                reached.complete(null);
            } else {
                waiting.add(offset, reached);
            }
        })) {
            reached.completeExceptionally(stopping());
        }
        return reached;
    }

    /** Writes a snapshot of what is applied now, in the background; for tests and operators. Completes when it is on the disk. */
    public CompletableFuture<Boolean> snapshotNow() {
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        if (!onMetadataThread(() -> snapshots.write(done))) {
            done.completeExceptionally(stopping());
        }
        return done;
    }

    static FreshetException stopping() {
        return new FreshetException(ErrorKind.UNAVAILABLE, "This metadata node is stopping; use another one");
    }

    private boolean onMetadataThread(Runnable task) {
        try {
            threads.metadata().execute(() -> {
                try {
                    task.run();
                } catch (RuntimeException | Error e) {
                    stopAfter(e);
                }
            });
            return true;
        } catch (RejectedExecutionException e) {
            return false;
        }
    }

    /** A state that cannot follow its log must not serve: no further command is taken. */
    private void stopAfter(Throwable error) {
        if (!isClosed) {
            LOG.error("The metadata state cannot follow its log; restart this node", error);
        }
        ready.completeExceptionally(error);
        path.close();
        commands.close();
        waiting.failAll(stopping());
        follower.ifPresent(ManifestFollower::close);
        fault.complete(error);
    }

    private void apply(List<Batch<ApiMessageAndVersion>> committed) {
        MetadataDelta delta = state.apply(committed.iterator());
        follower.ifPresent(known -> known.onApplied(delta));
        onApplied(delta);
        snapshots.onApplied(committed);
    }

    private void onApplied(MetadataDelta delta) {
        MetadataImage image = state.image();
        FreshetVersion.requireKnown(image, versions);
        for (ImageListener listener : listeners) {
            tell(listener, delta, image);
        }
        long applied = state.appliedOffset();
        waiting.onApplied(applied);
        commands.onApplied(applied);
        local.upkeep().onApplied(state);
        local.balancing().onApplied(delta);
        checkReady();
    }

    private static void tell(ImageListener listener, MetadataDelta delta, MetadataImage image) {
        try {
            listener.onChange(delta, image);
        } catch (RuntimeException e) {
            LOG.error("A metadata listener failed at offset {}", image.offset(), e);
        }
    }

    private void checkReady() {
        if (!ready.isDone()
                && leader.leaderId().isPresent()
                && state.image().features().metadataVersion().isPresent()
                && state.appliedOffset() + 1 >= log.highWatermark().orElse(Long.MAX_VALUE)) {
            ready.complete(null);
        }
    }

    private void logLeader() {
        if (leader.leaderId().isPresent()) {
            int id = leader.leaderId().getAsInt();
            LOG.info(
                    "Node {}{} leads the quorum in epoch {}",
                    id,
                    id == log.nodeId() ? ", this one," : "",
                    leader.epoch());
        }
    }

    /** A new cluster's first leader puts the records of the format into the log. */
    private void appendBootstrap() {
        if (!leader.isLeader(log.nodeId())
                || state.image().features().metadataVersion().isPresent()) {
            return;
        }
        if (bootstrap.isEmpty()) {
            throw new FreshetException(
                    ErrorKind.CORRUPT,
                    "This node leads a cluster that has no features, and its directory lacks the records that formatting"
                            + " writes; format a voter anew");
        }
        try {
            List<ApiMessageAndVersion> first = new ArrayList<>(bootstrap);
            first.add(FreshetVersion.record(versions.newest()));
            log.append(leader.epoch(), first);
            log.flush();
        } catch (FreshetException e) {
            LOG.info("Leadership of epoch {} was lost before the cluster's first records were written", leader.epoch());
        }
    }

    /** Completes when the mirror, if there is one, has all that was committed before the call. */
    public CompletableFuture<Void> flushMirror() {
        return path.flush();
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        threads.stopTicks();
        commands.refuse();
        routed.ifPresent(RoutedController::close);
        threads.stopBackground();
        log.close();
        threads.stopMetadata();
        path.close();
        commands.close();
        waiting.failAll(stopping());
        follower.ifPresent(ManifestFollower::close);
        ready.completeExceptionally(stopping());
        store.close();
    }

    /** What commands from and for other nodes ask of this one. */
    private final class Commanding implements CommandHost {
        @Override
        public int nodeId() {
            return log.nodeId();
        }

        @Override
        public String clusterId() {
            return clusterId;
        }

        @Override
        public LeaderAndEpoch leader() {
            return log.leaderAndEpoch();
        }

        @Override
        public Optional<Node> voter(int nodeId) {
            return log.place(nodeId);
        }

        @Override
        public Set<Integer> voterIds() {
            return log.voterIds();
        }

        @Override
        public void named(Node elected, int epoch) {
            log.named(elected, epoch);
        }

        @Override
        public ClusterController local() {
            return local;
        }

        @Override
        public long appliedOffset() {
            return state.appliedOffset();
        }

        @Override
        public CompletableFuture<Void> awaitOffset(long offset) {
            return QuorumNode.this.awaitOffset(offset);
        }
    }

    /** What the mirror asks of this node. */
    private final class Host implements MirrorHost {
        @Override
        public boolean onMetadataThread(Runnable task) {
            return QuorumNode.this.onMetadataThread(task);
        }

        @Override
        public boolean onSnapshotThread(Runnable task) {
            try {
                threads.snapshots().execute(task);
                return true;
            } catch (RejectedExecutionException e) {
                return false;
            }
        }

        @Override
        public FrozenState freeze() {
            return state.freeze();
        }

        @Override
        public void stalled(FreshetException reason) {
            commands.stall(reason);
        }

        @Override
        public void resumed() {
            commands.resume();
        }

        @Override
        public void ended(FreshetException reason) {
            stopAfter(reason);
        }
    }

    /** Takes what the log's thread says over to the metadata thread. */
    private final class Follower implements MetadataLog.Listener {
        @Override
        public void onCommit(BatchReader<ApiMessageAndVersion> batches) {
            if (!onMetadataThread(() -> {
                List<Batch<ApiMessageAndVersion>> read = new ArrayList<>();
                try (batches) {
                    batches.forEachRemaining(read::add);
                }
                path.commit(read, () -> apply(read));
            })) {
                batches.close();
            }
        }

        @Override
        public void onSnapshot(SnapshotReader<ApiMessageAndVersion> snapshot) {
            if (!onMetadataThread(() -> {
                try (snapshot) {
                    MetadataDelta delta =
                            state.load(snapshot, snapshot.snapshotId(), snapshot.lastContainedLogTimestamp());
                    follower.ifPresent(known -> known.onReplaced(state.image()));
                    onApplied(delta);
                }
                snapshots.onLoaded();
                path.loaded(snapshot.snapshotId());
            })) {
                snapshot.close();
            }
        }

        @Override
        public void onBootstrap(SnapshotReader<ApiMessageAndVersion> snapshot) {
            if (!onMetadataThread(() -> {
                bootstrap.clear();
                try (snapshot) {
                    snapshot.forEachRemaining(batch -> bootstrap.addAll(batch.records()));
                }
            })) {
                snapshot.close();
            }
        }

        @Override
        public void onLeaderChange(LeaderAndEpoch changed) {
            onMetadataThread(() -> path.after(() -> {
                leader = changed;
                logLeader();
                appendBootstrap();
                commands.onLeaderChange(changed);
                local.upkeep().onLeaderChange(state, log.leaderHeardAtNs());
                local.balancing().onLeaderChange();
                routed.ifPresent(RoutedController::onLeaderChange);
                checkReady();
            }));
        }

        @Override
        public void onFault(Throwable fault) {
            onMetadataThread(() -> stopAfter(fault));
        }
    }
}
