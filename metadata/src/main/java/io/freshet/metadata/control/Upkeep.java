// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.runtime.Clock;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.HeartbeatAnswer;
import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.MemberState;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.state.ClusterState;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.image.ClusterImage;
import org.apache.kafka.image.ConfigurationsImage;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicsImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the active controller does by itself: it takes heartbeats, fences brokers whose sessions are over, gives their
 * partitions to others once their WALs are sealed, and writes down which partitions leaving brokers are to hand over.
 * Everything it does is a command like any other. Metadata thread, but for {@link #heartbeat}.
 */
public final class Upkeep {
    private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);

    /** How often {@link #tick} should be called. */
    public static final long TICK_MS = 100;

    /**
     * Share of a session for which this node prolongs leases after something that it appended was committed. A lease lasts 5/6 of a session
     * ({@code Membership}), so a controller that is cut off has given none that lasts longer than 14/15 of one from when its successor last
     * heard a leader: the successor has what was committed in its log, and had it from a leader after it was appended. What is left is for
     * clocks that drift.
     */
    private static final int PROVEN_FOR_DIVISOR = 10;

    private final CommandQueue queue;
    private final Clock clock;
    private final BrokerSessions sessions;

    /** A tick that comes so late means that this process was stopped, and could hear nobody. */
    private final long pauseNs;

    private final long sessionTimeoutMs;

    private final long provenForNs;

    /** Brokers whose end of session is being written down. */
    private final Set<Integer> ending = new HashSet<>();

    /** Until when this node has led before, on the monotonic clock. */
    private OptionalLong ledUntilNs = OptionalLong.empty();

    private boolean isLeading;
    private boolean isPlanning;

    private long tickedAtNs;
    private @Nullable Stamp planned;

    Upkeep(CommandQueue queue, Clock clock, long sessionTimeoutMs) {
        this.queue = queue;
        this.clock = clock;
        this.sessions = new BrokerSessions(clock, sessionTimeoutMs);
        this.provenForNs = TimeUnit.MILLISECONDS.toNanos(sessionTimeoutMs) / PROVEN_FOR_DIVISOR;
        this.sessionTimeoutMs = sessionTimeoutMs;
        this.pauseNs = TimeUnit.MILLISECONDS.toNanos(sessionTimeoutMs / 2);
        this.tickedAtNs = clock.nanoTime();
    }

    /** What the plans depend on; equal stamps, equal plans. */
    private record Stamp(ClusterImage cluster, TopicsImage topics, ConfigurationsImage configs, long membersVersion) {
        static Stamp of(ClusterState state) {
            MetadataImage image = state.image();
            return new Stamp(image.cluster(), image.topics(), image.configs(), state.membersVersion());
        }

        @SuppressWarnings("ReferenceEquality") // images are replaced when they change; comparing them is dear
        boolean isSame(@Nullable Stamp other) {
            return other != null
                    && cluster == other.cluster
                    && topics == other.topics
                    && configs == other.configs
                    && membersVersion == other.membersVersion;
        }
    }

    /**
     * This node leads now, or does not, or in another epoch.
     *
     * @param state as of the end of what other leaders wrote
     * @param leaderHeardAtNs when this node last heard another node that led, on the monotonic clock; empty if it did not since it was started
     */
    public void onLeaderChange(ClusterState state, OptionalLong leaderHeardAtNs) {
        long nowNs = clock.nanoTime();
        if (isLeading) {
            ledUntilNs = OptionalLong.of(nowNs);
        }
        isLeading = queue.isLeading();
        isPlanning = false;
        planned = null;
        if (isLeading) {
            sessions.begin(state.image().cluster().brokers().values(), later(leaderHeardAtNs, ledUntilNs));
        } else {
            sessions.forget();
        }
        ending.clear();
        tickedAtNs = nowNs;
    }

    private static OptionalLong later(OptionalLong one, OptionalLong other) {
        boolean isOther = one.isEmpty() || (other.isPresent() && other.getAsLong() - one.getAsLong() > 0);
        return isOther ? other : one;
    }

    /** Looks at everything; a few times a second. */
    public void tick(ClusterState state) {
        noticePause();
        tickedAtNs = clock.nanoTime();
        if (isLeading && isCluster(state)) {
            endSessions(state);
            onApplied(state);
        }
    }

    /** Before, sessions and moves cannot be written down; there is one broker then, and nobody to take its place. */
    static boolean isCluster(ClusterState state) {
        return FreshetVersion.of(state.image()) >= FreshetVersion.CLUSTER;
    }

    /** Whoever spoke to this process while it was stopped has not been heard yet. */
    private void noticePause() {
        long nowNs = clock.nanoTime();
        if (nowNs - tickedAtNs > pauseNs) {
            sessions.renewAll();
            tickedAtNs = nowNs;
        }
    }

    private void endSessions(ClusterState state) {
        for (BrokerRegistration broker : state.image().cluster().brokers().values()) {
            int id = broker.id();
            if (sessions.isOver(id, broker.epoch()) && !isLapsed(state, id) && ending.add(id)) {
                LOG.warn(
                        "Broker {}, epoch {}, was not heard of for {} ms; it is fenced",
                        id,
                        broker.epoch(),
                        sessionTimeoutMs);
                queue.submit(now -> MemberCommands.lapse(now, id, broker.epoch()))
                        .whenComplete((done, error) -> ending.remove(id));
            }
        }
    }

    private static boolean isLapsed(ClusterState state, int brokerId) {
        return state.manifests().member(brokerId).map(MemberState::isLapsed).orElse(false);
    }

    /** The state has changed, perhaps: whatever can be planned on it now is. */
    public void onApplied(ClusterState state) {
        if (!isLeading || isPlanning || !isCluster(state)) {
            return;
        }
        Stamp present = Stamp.of(state);
        if (present.isSame(planned)) {
            return;
        }
        planned = present;
        isPlanning = true;
        queue.submit(now -> Decision.of(FailoverPlanner.of(now).plan(), true));
        queue.submit(now -> Decision.of(WishPlanner.of(now).plan(), true)).whenComplete((done, error) -> {
            isPlanning = false;
            if (error != null) {
                planned = null;
            }
        });
    }

    /** From any thread. */
    CompletableFuture<HeartbeatAnswer> heartbeat(BrokerHeartbeat heartbeat) {
        return queue.ask(state -> heard(state, heartbeat));
    }

    private CompletableFuture<HeartbeatAnswer> heard(ClusterState state, BrokerHeartbeat heartbeat) {
        BrokerRegistration known = MemberCommands.require(state.image(), heartbeat);
        noticePause();
        if (isLapsed(state, heartbeat.brokerId())) {
            return CompletableFuture.completedFuture(over());
        }
        // What is over by the clock will be so in the log: from here on there is no way back.
        if (isCluster(state) && sessions.isOver(heartbeat.brokerId(), heartbeat.brokerEpoch())) {
            return proven().thenApply(proven -> over());
        }
        sessions.renew(heartbeat.brokerId(), heartbeat.brokerEpoch());
        if (!MemberCommands.isChange(known, heartbeat)) {
            return proven().thenApply(proven -> answer(state, known, heartbeat));
        }
        return queue.submit(now -> MemberCommands.follow(now, heartbeat)).thenApply(done -> {
            BrokerRegistration changed = state.image().cluster().broker(heartbeat.brokerId());
            return answer(state, changed == null ? known : changed, heartbeat);
        });
    }

    /** Whoever leads no more neither prolongs a session nor ends one. */
    private CompletableFuture<Void> proven() {
        return queue.provenSince(clock.nanoTime() - provenForNs);
    }

    private HeartbeatAnswer over() {
        return new HeartbeatAnswer(true, false, true, sessionTimeoutMs);
    }

    private HeartbeatAnswer answer(ClusterState state, BrokerRegistration known, BrokerHeartbeat heartbeat) {
        MetadataImage image = state.image();
        boolean mayShutDown = heartbeat.wantsShutdown()
                && known.inControlledShutdown()
                && (!leadsAnything(image, known.id()) || isAlone(state, known.id()));
        return new HeartbeatAnswer(known.fenced(), mayShutDown, isLapsed(state, known.id()), sessionTimeoutMs);
    }

    private static boolean leadsAnything(MetadataImage image, int brokerId) {
        return image.topics().topicsById().values().stream()
                .anyMatch(topic ->
                        topic.partitions().values().stream().anyMatch(partition -> partition.leader == brokerId));
    }

    /** Whether nobody else could take what the broker leads. */
    private static boolean isAlone(ClusterState state, int brokerId) {
        MetadataImage image = state.image();
        return image.cluster().brokers().values().stream()
                .filter(broker -> broker.id() != brokerId && !broker.fenced() && !broker.inControlledShutdown())
                .allMatch(broker -> Standing.isDrained(
                        image, state.manifests().member(broker.id()).orElse(null), broker.id()));
    }
}
