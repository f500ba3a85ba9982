// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.QuorumNode;
import io.freshet.metadata.QuorumNode.QuorumParts;
import io.freshet.metadata.control.Inputs;
import io.freshet.metadata.log.RaftLogSettings;
import io.freshet.metadata.log.RaftMetadataLog;
import io.freshet.metadata.mirror.CommitPath;
import io.freshet.metadata.remote.CommandRouting;
import io.freshet.tests.sim.SimProcess;
import io.freshet.tests.sim.SimRandom;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.jspecify.annotations.Nullable;

/** One process: a real metadata node, and a broker on it if the machine is one. */
public final class NodeRun {
    private static final long REQUEST_TIMEOUT_MS = 2_000;

    private final QuorumWorld world;
    private final SimNode node;
    private final SimProcess process;
    private final SimRandom random;
    private final SimThreads threads;
    private final SimGround ground;
    private final QuorumNode quorum;
    private final CompositeMeterRegistry meters = new CompositeMeterRegistry();
    private @Nullable Member broker;

    public NodeRun(QuorumWorld world, SimNode node) {
        this.world = world;
        this.node = node;
        this.process = world.newProcess("node-" + node.id());
        this.random = world.random.fork();
        process.setClockRate(1 + world.swarm.clockDrift * (2 * random.nextDouble() - 1));
        this.threads = new SimThreads(process, random.fork());
        this.ground = new SimGround(process, random.fork(), node.disk(), world.swarm.cleaning, this::noteLeading);
        RaftLogSettings settings = new RaftLogSettings(
                Path.of("simulated"),
                QuorumWorld.CLUSTER_ID,
                node.directoryId(),
                OptionalInt.of(node.id()),
                node.isVoter(),
                "127.0.0.1",
                SimRaftChannel.FIRST_PORT + node.id(),
                world.voterAddresses,
                Map.of());
        RaftMetadataLog log =
                new RaftMetadataLog(settings, process, new SimRaftChannel(world, this, REQUEST_TIMEOUT_MS), ground);
        Inputs inputs = new Inputs(
                process,
                random.fork(),
                1,
                (short) 1,
                (resource, values) -> {},
                new KafkaConfigSchema(Map.of(), Map.of()),
                Map.of());
        this.quorum = new QuorumNode(new QuorumParts(
                QuorumWorld.CLUSTER_ID,
                new WatchedLog(world.sabotage.log(log), batch -> world.ledger.committed(this, batch)),
                node.disk().tables(),
                threads,
                inputs,
                meters,
                world.swarm.snapshotAfterBytes,
                QuorumWorld.SESSION_MS,
                FreshetVersion.SUPPORTED,
                host -> CommitPath.DIRECT,
                Optional.of(new CommandRouting(
                        new SimCommandChannel(world, this), process, process, random.fork(), meters)),
                Optional.empty()));
    }

    public int id() {
        return node.id();
    }

    public SimNode node() {
        return node;
    }

    public SimProcess process() {
        return process;
    }

    public SimRandom random() {
        return random;
    }

    public QuorumNode quorum() {
        return quorum;
    }

    public CompositeMeterRegistry meters() {
        return meters;
    }

    @Nullable
    public Member broker() {
        return broker;
    }

    public boolean isReady() {
        return quorum.ready().isDone() && !quorum.ready().isCompletedExceptionally();
    }

    public boolean leads() {
        LeaderAndEpoch leader = ground.client().leaderAndEpoch();
        return leader.isLeader(id());
    }

    /** Whether the voter set that this node knows has that one. */
    boolean knowsVoter(int nodeId) {
        return ground.client()
                .voterNode(nodeId, new ListenerName(RaftLogSettings.CONTROLLER_LISTENER))
                .isPresent();
    }

    public void start() {
        quorum.fault().thenAccept(this::failed);
        quorum.addListener((delta, image) -> world.ledger.seen(this, delta, image));
        quorum.start();
        if (node.isBroker()) {
            quorum.ready().thenRun(this::join);
        }
    }

    /** A broker of this process registers: the first one, or one after the end of another's session. */
    public void join() {
        if (!process.isDead()) {
            Member joining = new Member(world, this);
            broker = joining;
            joining.start();
        }
    }

    private void failed(Throwable fault) {
        world.counts.add("raft fails");
        world.time.note(process, "fails", 0, 0);
        world.ledger.failed(this, fault);
        process.after(0, "end", () -> {
            node.crash();
            node.startAfter(random.between(100, 3_000));
        });
    }

    /** The process ends by itself, and is started again. */
    public void restart() {
        process.after(0, "end", () -> {
            if (node.run() == this) {
                node.stop();
                node.startAfter(random.between(100, 3_000));
            }
        });
    }

    /** After a pause: a node that led acts as leader until it hears otherwise. */
    void goOn() {
        noteLeading();
        process.resume();
    }

    /** Tells the ledger if this node believes that it leads. */
    public void noteLeading() {
        LeaderAndEpoch leader = ground.client().leaderAndEpoch();
        if (leader.isLeader(id())) {
            world.ledger.leads(this, leader.epoch());
        }
    }

    /** Asks Raft to give up its office, if it has one, and ends when that is done, or after a while. */
    public void stopCleanly(Runnable then) {
        ground.client().shutdown(1_000);
        process.after(random.between(50, 1_200), "stop", then);
    }

    public void die() {
        process.die();
        threads.die();
        Member mine = broker;
        if (mine != null) {
            mine.processDied();
        }
    }
}
