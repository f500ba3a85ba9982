// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.broker.handover.HandOverParts;
import io.freshet.broker.handover.HandOvers;
import io.freshet.broker.membership.Membership;
import io.freshet.broker.membership.MembershipConfig;
import io.freshet.broker.partition.MovingPartitions;
import io.freshet.broker.partition.Ownership;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.HeartbeatAnswer;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.Manifests;
import io.freshet.metadata.QuorumNode;
import io.freshet.tests.sim.SimProcess;
import io.freshet.tests.sim.SimRandom;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.jspecify.annotations.Nullable;

/**
 * One registration of a broker, from its first command until its session is over: the real membership, lease and hand-overs
 * around what the run has for storage.
 */
public final class Member {
    private static final long ANSWER_MS = 1_000;

    private final QuorumWorld world;
    private final NodeRun run;
    private final SimProcess process;
    private final SimRandom random;
    private final QuorumNode quorum;
    private final int id;
    private final Uuid incarnationId;
    private final MovingPartitions moving = new MovingPartitions();
    private final MemberStorage storage;
    private long brokerEpoch = -1;
    private @Nullable Membership membership;
    private @Nullable HandOvers handOvers;
    private boolean isJoined;
    private boolean isReady;
    private boolean isOver;

    Member(QuorumWorld world, NodeRun run) {
        this.world = world;
        this.run = run;
        this.process = run.process();
        this.random = run.random().fork();
        this.quorum = run.quorum();
        this.id = run.id();
        this.incarnationId = new Uuid(random.nextLong() | 1, random.nextLong());
        this.storage = world.storages.apply(this);
    }

    public int id() {
        return id;
    }

    public NodeRun run() {
        return run;
    }

    /** The broker epoch; −1 before it is registered. */
    public long brokerEpoch() {
        return brokerEpoch;
    }

    public Ownership ownership() {
        return new Ownership(id, brokerEpoch);
    }

    public MemberStorage storage() {
        return storage;
    }

    public Membership membership() {
        return Objects.requireNonNull(membership);
    }

    /** Is told of partitions that come and go. */
    public MovingPartitions moving() {
        return moving;
    }

    QuorumLedger ledger() {
        return world.ledger;
    }

    public ClusterController controller() {
        return quorum.controller();
    }

    Manifests manifests() {
        return quorum.manifests();
    }

    public boolean isOver() {
        return isOver;
    }

    /** Whether it believes that it may act as owner. */
    public boolean mayServe() {
        Membership present = membership;
        return isReady && !isOver && present != null && (present.lease().isHeld() || world.sabotage.ignoresLeases());
    }

    void start() {
        if (isOver) {
            return;
        }
        BrokerSpec spec = new BrokerSpec(
                id,
                incarnationId,
                List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092 + id)),
                "rack-" + id % 2,
                storage.lanes());
        controller().registerBroker(spec).whenComplete((registered, error) -> {
            if (error == null) {
                registered(registered);
            } else {
                process.after(random.between(100, 800), "register", this::start);
            }
        });
    }

    private void registered(RegisteredBroker registered) {
        brokerEpoch = registered.brokerEpoch();
        world.time.note(process, "is registered as broker epoch", brokerEpoch, 0);
        Membership mine = new Membership(
                new MembershipConfig(id, QuorumWorld.HEARTBEAT_MS, ANSWER_MS),
                this::heartbeat,
                () -> quorum.state().appliedOffset(),
                process,
                process,
                run.meters());
        membership = mine;
        mine.start(brokerEpoch);
        mine.over().thenAccept(over -> end(String.valueOf(over.reason().getMessage())));
        quorum.awaitOffset(registered.offset()).thenRun(this::openStorage);
    }

    private CompletableFuture<HeartbeatAnswer> heartbeat(BrokerHeartbeat heartbeat) {
        long sentNanos = world.time.nowNanos();
        return controller().heartbeat(heartbeat).thenApply(answer -> {
            if (!answer.isFenced() && !answer.isOver()) {
                world.time.say(
                        process,
                        () -> "has its lease from " + sentNanos / 1_000_000 + " ms on; leader is " + quorum.leaderNode()
                                + ", leads: " + run.leads());
                ledger().leases().leased(id, heartbeat.brokerEpoch(), sentNanos);
            }
            return answer;
        });
    }

    private void openStorage() {
        if (isOver) {
            return;
        }
        storage.open().whenComplete((opened, error) -> {
            if (error == null) {
                join();
            } else if (FreshetException.of(error).kind() == ErrorKind.FENCED) {
                end("its WAL cannot be opened: " + error.getMessage());
            } else {
                world.time.say(process, () -> "cannot open its storage: " + error);
                process.after(random.between(100, 800), "open WAL", this::openStorage);
            }
        });
    }

    private void join() {
        if (isOver) {
            return;
        }
        isJoined = true;
        HandOvers mine = new HandOvers(new HandOverParts(
                ownership(),
                manifests()::wishes,
                manifests()::wishesVersion,
                quorum::image,
                storage::partition,
                storage::upload,
                partitions -> controller().handOver(id, brokerEpoch, partitions),
                moving,
                process,
                process,
                process.thread("hand-over"),
                run.meters()));
        handOvers = mine;
        quorum.addListener(mine);
        storage.start();
    }

    /** The storage serves what this broker owns. */
    public void ready() {
        if (!isReady && !isOver) {
            isReady = true;
            membership().ready();
        }
    }

    /** Tells the cluster that it wants to stop; completes when it may. */
    CompletableFuture<Void> leave() {
        Membership present = membership;
        return present == null ? CompletableFuture.completedFuture(null) : present.leave();
    }

    void onImage(MetadataDelta delta, MetadataImage image) {
        if (isJoined && !isOver) {
            storage.onImage(delta, image);
        }
    }

    /** This registration is over; the process registers anew. */
    public void end(String why) {
        if (isOver) {
            return;
        }
        world.counts.add("registration ends");
        world.time.say(process, () -> "its registration ends: " + why);
        isOver = true;
        storage.end();
        Membership present = membership;
        if (present != null) {
            present.close();
        }
        HandOvers moves = handOvers;
        if (moves != null) {
            moves.close();
        }
        process.after(random.between(50, 500), "register anew", run::join);
    }

    /** Nothing is served any more. */
    void processDied() {
        isOver = true;
        storage.processDied();
    }

    @Override
    public String toString() {
        return "broker " + id + " of epoch " + brokerEpoch + (isOver ? ", over" : isReady ? "" : ", not ready");
    }
}
