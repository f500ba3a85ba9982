// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.control.ActiveController;
import io.freshet.metadata.control.CommandQueue;
import io.freshet.metadata.control.Inputs;
import io.freshet.metadata.log.MetadataLog;
import io.freshet.metadata.state.ClusterState;
import io.freshet.metadata.state.ManifestStore;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.apache.kafka.common.message.DescribeQuorumResponseData;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.SnapshotWriter;

/**
 * The quorum: the real commands and the real state machine over a log in memory, which is committed after a while, or not
 * if the leader is lost before.
 */
final class SimQuorum implements MetadataLog {
    private static final int NODE_ID = 100;

    private final World world;
    private final SimRandom random;
    private final SimProcess process;
    private final ClusterState state;
    private final CommandQueue queue;
    private final ActiveController controller;
    private final List<Batch<ApiMessageAndVersion>> log = new ArrayList<>();
    private final List<SimFollower> followers = new ArrayList<>();
    private final Deque<Function<MetadataImage, List<ApiMessageAndVersion>>> orders = new ArrayDeque<>();
    private List<ApiMessageAndVersion> staged = List.of();
    private boolean isLeading;
    private int epoch = 1;
    private long nextOffset;

    SimQuorum(World world, ManifestStore store) {
        this.world = world;
        this.random = world.random.fork();
        this.process = world.newProcess("quorum");
        this.state = new ClusterState(store);
        this.queue = new CommandQueue(this, state, process.thread("metadata"), process, new CompositeMeterRegistry());
        this.controller = new ActiveController(
                queue,
                new Inputs(
                        process,
                        random.fork(),
                        1,
                        (short) 1,
                        (resource, values) -> {},
                        new KafkaConfigSchema(Map.of(), Map.of()),
                        Map.of()));
        MetadataVersion version = MetadataVersion.latestProduction();
        commit(List.of(
                new ApiMessageAndVersion(
                        new FeatureLevelRecord()
                                .setName(MetadataVersion.FEATURE_NAME)
                                .setFeatureLevel(version.featureLevel()),
                        (short) 0),
                FreshetVersion.record(FreshetVersion.SUPPORTED.newest())));
        elect();
    }

    SimProcess process() {
        return process;
    }

    ClusterState state() {
        return state;
    }

    ActiveController controller() {
        return controller;
    }

    List<Batch<ApiMessageAndVersion>> log() {
        return log;
    }

    void follow(SimFollower follower) {
        followers.add(follower);
    }

    void unfollow(SimFollower follower) {
        followers.remove(follower);
    }

    /** An operator's doing: appends what {@code order} makes of the newest image, as soon as nothing is under way. */
    void order(Function<MetadataImage, List<ApiMessageAndVersion>> order) {
        orders.add(order);
        process.after(0, "order", this::carryOutOrders);
    }

    private void carryOutOrders() {
        while (isLeading && staged.isEmpty() && !orders.isEmpty()) {
            List<ApiMessageAndVersion> records = orders.remove().apply(state.image());
            if (!records.isEmpty()) {
                commit(records);
                queue.onApplied(state.appliedOffset());
            }
        }
    }

    private void elect() {
        isLeading = true;
        world.time.note(process, "leads in epoch", epoch, 0);
        queue.onLeaderChange(leaderAndEpoch());
        carryOutOrders();
    }

    /** The leader loses its office; what it had not committed is committed nevertheless, or lost. */
    void loseLeader() {
        if (!isLeading) {
            return;
        }
        world.counts.add("quorum loses its leader");
        isLeading = false;
        List<ApiMessageAndVersion> pending = staged;
        staged = List.of();
        boolean survives = random.chance(0.5);
        if (!pending.isEmpty() && survives) {
            world.time.note(process, "unanswered batch is committed", pending.size(), 0);
            commit(pending);
        } else if (!pending.isEmpty()) {
            world.time.note(process, "unanswered batch is lost", pending.size(), 0);
        }
        queue.onLeaderChange(new LeaderAndEpoch(OptionalInt.empty(), epoch));
        epoch++;
        process.after(random.between(50, 3_000), "election", this::elect);
    }

    @Override
    public long append(int leaderEpoch, List<ApiMessageAndVersion> records) {
        if (!staged.isEmpty() || leaderEpoch != epoch) {
            throw new IllegalStateException("A batch is under way already, or epoch " + leaderEpoch + " is over");
        }
        staged = List.copyOf(records);
        return nextOffset + records.size() - 1;
    }

    @Override
    public void flush() {
        int appendEpoch = epoch;
        process.after(random.between(1, 15), "quorum commit", () -> {
            if (appendEpoch == epoch && isLeading && !staged.isEmpty()) {
                List<ApiMessageAndVersion> records = staged;
                staged = List.of();
                commit(records);
                queue.onApplied(state.appliedOffset());
                carryOutOrders();
            }
        });
    }

    private void commit(List<ApiMessageAndVersion> records) {
        Batch<ApiMessageAndVersion> batch = Batch.data(nextOffset, epoch, process.wallMs(), 1000, records);
        nextOffset = batch.lastOffset() + 1;
        log.add(batch);
        state.apply(List.of(batch).iterator());
        world.time.note(process, "commits up to", batch.lastOffset(), records.size());
        world.time.say(process, () -> "commits " + records);
        followers.forEach(SimFollower::onCommit);
    }

    @Override
    public LeaderAndEpoch leaderAndEpoch() {
        return new LeaderAndEpoch(isLeading ? OptionalInt.of(NODE_ID) : OptionalInt.empty(), epoch);
    }

    @Override
    public int nodeId() {
        return NODE_ID;
    }

    @Override
    public OptionalLong highWatermark() {
        return OptionalLong.of(nextOffset);
    }

    @Override
    public long endOffset() {
        return nextOffset;
    }

    @Override
    public void start(Listener listener) {
        throw new UnsupportedOperationException("The simulated quorum begins by itself");
    }

    @Override
    public Optional<SnapshotWriter<ApiMessageAndVersion>> createSnapshot(OffsetAndEpoch end, long timeMs) {
        return Optional.empty();
    }

    @Override
    public void resign(int leaderEpoch) {
        loseLeader();
    }

    @Override
    public CompletableFuture<DescribeQuorumResponseData> describeQuorum() {
        return CompletableFuture.completedFuture(new DescribeQuorumResponseData());
    }

    @Override
    public CompletableFuture<ApiMessage> answer(ApiMessage request, short apiVersion) {
        throw new UnsupportedOperationException("The simulated quorum has no peers");
    }

    @Override
    public void close() {}
}
