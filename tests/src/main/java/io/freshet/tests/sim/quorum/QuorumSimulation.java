// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.Outcome;
import io.freshet.tests.sim.StatePool;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;

/** One run: a quorum and its brokers are founded, used, hurt, healed and audited. */
public final class QuorumSimulation {
    private static final long STEP_MS = 250;
    private static final long FOUND_LIMIT_MS = 60_000;
    private static final long HEAL_LIMIT_MS = 90_000;
    private static final long EVEN_LIMIT_MS = 300_000;

    private final QuorumWorld world;
    private final QuorumChaos chaos;
    private final QuorumClients clients;

    private QuorumSimulation(long seed, QuorumSabotage sabotage, StatePool states, @Nullable Consumer<String> trace) {
        this.world = new QuorumWorld(seed, sabotage, states, trace);
        this.chaos = new QuorumChaos(world);
        this.clients = new QuorumClients(world);
    }

    /** Runs one seed. An exception that the product throws where it must not counts as a violation. */
    public static Outcome run(long seed, QuorumSabotage sabotage, StatePool states, @Nullable Consumer<String> trace) {
        QuorumSimulation simulation = new QuorumSimulation(seed, sabotage, states, trace);
        QuorumWorld world = simulation.world;
        try {
            simulation.run();
        } catch (RuntimeException | AssertionError e) {
            world.ledger.violated(
                    "Something threw: " + e + " at " + (e.getStackTrace().length > 0 ? e.getStackTrace()[0] : "?"));
            if (trace != null) {
                java.io.StringWriter stack = new java.io.StringWriter();
                e.printStackTrace(new java.io.PrintWriter(stack));
                trace.accept(stack.toString());
            }
        } finally {
            world.nodes.forEach(SimNode::stop);
            states.takeAllBack();
        }
        return new Outcome(
                seed,
                world.time.hash(),
                world.time.eventCount(),
                world.ledger.records().count() + world.ledger.commands().acknowledged(),
                0,
                world.counts,
                world.ledger.violation());
    }

    private void run() {
        found();
        use();
        if (isFine()) {
            heal();
        }
        if (isFine()) {
            settle();
        }
        if (isFine() && world.random.chance(0.3)) {
            becomeEven();
        }
        if (isFine()) {
            restartOne();
        }
    }

    private boolean isFine() {
        return world.ledger.violation() == null;
    }

    /** A network that loses messages may keep Raft from agreeing for longer than any limit; then it is mended until all serve. */
    private void found() {
        world.nodes.forEach(SimNode::start);
        long lossyEndMs = world.time.nowMs() + FOUND_LIMIT_MS;
        while (isFine() && whatIsMissing() != null && world.time.nowMs() < lossyEndMs) {
            world.time.runUntilMs(world.time.nowMs() + STEP_MS);
        }
        world.swarm.calm(true);
        runUntil(FOUND_LIMIT_MS, () -> whatIsMissing() == null, () -> "the cluster does not start: " + whatIsMissing());
        world.swarm.calm(false);
        if (isFine()) {
            clients.createTopic(world.runs().get(0), 2 + world.random.below(6));
            clients.start();
        }
    }

    private void use() {
        chaos.start();
        long endMs = world.time.nowMs() + world.random.between(5_000, 30_000);
        while (world.time.nowMs() < endMs && isFine()) {
            world.time.runUntilMs(world.time.nowMs() + STEP_MS);
            if (world.random.chance(0.1)) {
                new QuorumAudit(world).statesAgree();
            }
        }
    }

    private void heal() {
        chaos.end();
        clients.stop();
        for (SimNode node : world.nodes) {
            NodeRun run = world.runs().get(0);
            run.process()
                    .after(1_000, "undrain", () -> run.quorum().controller().drainBroker(node.id(), false));
        }
        world.time.runUntilMs(world.time.nowMs() + 2_000);
        runUntil(
                HEAL_LIMIT_MS, () -> whatIsMissing() == null, () -> "the cluster does not recover: " + whatIsMissing());
    }

    /** What keeps the cluster from serving every partition; null if nothing does. */
    private @Nullable String whatIsMissing() {
        List<NodeRun> leaders = world.runs().stream().filter(NodeRun::leads).toList();
        if (leaders.size() != 1) {
            return leaders.size() + " nodes lead";
        }
        for (SimNode node : world.nodes) {
            NodeRun run = node.run();
            if (!node.isGone() && (run == null || !run.isReady())) {
                return "node " + node.id() + " is not ready";
            }
            ThinBroker broker = run == null ? null : run.broker();
            if (!node.isGone() && node.isBroker() && (broker == null || !broker.mayServe())) {
                return "node " + node.id() + " does not serve: " + broker;
            }
        }
        NodeRun leader = leaders.get(0);
        for (NodeRun run : world.runs()) {
            if (run.quorum().state().appliedOffset() != leader.quorum().state().appliedOffset()) {
                return "node " + run.id() + " has applied "
                        + run.quorum().state().appliedOffset() + " only";
            }
        }
        return whichIsNotServed(leader.quorum().image());
    }

    private @Nullable String whichIsNotServed(MetadataImage image) {
        for (TopicImage topic : image.topics().topicsById().values()) {
            for (Map.Entry<Integer, PartitionRegistration> entry : new TreeMap<>(topic.partitions()).entrySet()) {
                String name = new TopicPartition(topic.name(), entry.getKey()).toString();
                List<ThinBroker> owners = world.brokers().stream()
                        .filter(broker -> broker.partitions().stream()
                                .anyMatch(partition -> partition
                                                .id()
                                                .topicPartition()
                                                .toString()
                                                .equals(name)
                                        && partition.leaderEpoch() == entry.getValue().leaderEpoch
                                        && partition.takesAppends()))
                        .toList();
                if (owners.size() != 1 || owners.get(0).id() != entry.getValue().leader) {
                    return "partition " + name + ", " + entry.getValue() + ", is served by " + owners;
                }
            }
        }
        return null;
    }

    /** Every partition takes a record, everything becomes committed, and everybody agrees. */
    private void settle() {
        List<CompletableFuture<Boolean>> answers = new ArrayList<>();
        for (ThinBroker broker : world.brokers()) {
            for (ThinPartition partition : broker.partitions()) {
                CompletableFuture<Boolean> answer = new CompletableFuture<>();
                NodeRun run = world.nodes.get(broker.id()).run();
                boolean isTaken = run != null && partition.append(-1, answer::complete);
                // One that is just moving is another's in a moment.
                if (isTaken) {
                    answers.add(answer);
                }
            }
        }
        runUntil(
                HEAL_LIMIT_MS,
                () -> answers.stream().allMatch(CompletableFuture::isDone),
                () -> "appends are not answered although everything is healed");
        runUntil(HEAL_LIMIT_MS, () -> whatIsUncommitted() == null, () -> String.valueOf(whatIsUncommitted()));
        audit();
    }

    private @Nullable String whatIsUncommitted() {
        for (ThinBroker broker : world.brokers()) {
            for (ThinPartition partition : broker.partitions()) {
                if (!partition.isSettled()) {
                    return partition + " of " + broker + " is not committed";
                }
            }
        }
        return whatIsMissing();
    }

    private void audit() {
        if (isFine()) {
            QuorumAudit audit = new QuorumAudit(world);
            audit.statesAgree();
            world.runs().forEach(audit::promisesAreKept);
        }
    }

    /** Without faults, moves come to an end, and nothing is left that should move. */
    private void becomeEven() {
        EvenLoads even = new EvenLoads(world);
        even.begin();
        runUntil(EVEN_LIMIT_MS, even::isDone, () -> "loads do not become even: " + even);
        even.audit();
        runUntil(HEAL_LIMIT_MS, () -> whatIsUncommitted() == null, () -> String.valueOf(whatIsUncommitted()));
        audit();
    }

    /** A node that has lost its tables, or only its memory, comes to the same state again. */
    private void restartOne() {
        List<SimNode> alive =
                world.nodes.stream().filter(node -> !node.isGone()).toList();
        SimNode node = alive.get(world.random.below(alive.size()));
        world.counts.add("restart at the end");
        node.crash();
        if (world.random.chance(0.5)) {
            node.disk().tables().clear();
        }
        node.start();
        runUntil(
                HEAL_LIMIT_MS,
                () -> whatIsUncommitted() == null,
                () -> "after a restart of node " + node.id() + ", " + whatIsUncommitted());
        audit();
    }

    private void runUntil(long limitMs, BooleanSupplier condition, Supplier<String> otherwise) {
        long endMs = world.time.nowMs() + limitMs;
        while (isFine() && !condition.getAsBoolean()) {
            if (world.time.nowMs() >= endMs) {
                world.ledger.violated("After " + limitMs + " ms, " + otherwise.get());
                return;
            }
            world.time.runUntilMs(world.time.nowMs() + STEP_MS);
        }
    }
}
