// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.Outcome;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What happens in a run: a quorum and its brokers are founded, used, hurt, healed and audited. */
public final class Course {
    public static final long HEAL_LIMIT_MS = 90_000;

    private static final long STEP_MS = 250;
    private static final long FOUND_LIMIT_MS = 60_000;
    private static final long EVEN_LIMIT_MS = 300_000;

    /** A command is tried for 20 s, and its last request may travel for four more. */
    private static final long LATEST_COMMAND_MS = 25_000;

    private final QuorumWorld world;
    private final Workload load;
    private final QuorumChaos chaos;
    private final QuorumClients clients;
    private final ServiceCheck service;

    public Course(QuorumWorld world, Workload load) {
        this.world = world;
        this.load = load;
        this.chaos = new QuorumChaos(world);
        this.clients = new QuorumClients(world);
        this.service = new ServiceCheck(world);
    }

    /** Runs to the end or the first violation. An exception that the product throws where it must not is one. */
    public Outcome run(long seed, @Nullable Consumer<String> trace) {
        try {
            run();
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
        }
        return new Outcome(
                seed,
                world.time.hash(),
                world.time.eventCount(),
                load.acknowledged() + world.ledger.commands().acknowledged(),
                load.consumed(),
                world.counts,
                violation());
    }

    private @Nullable String violation() {
        String ofQuorum = world.ledger.violation();
        return ofQuorum == null ? load.violation() : ofQuorum;
    }

    public boolean isFine() {
        return violation() == null;
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

    /** A network that loses messages may keep Raft from agreeing for longer than any limit; then it is mended until all serve. */
    private void found() {
        world.nodes.forEach(SimNode::start);
        long lossyEndMs = world.time.nowMs() + FOUND_LIMIT_MS;
        while (isFine() && service.whatIsMissing() != null && world.time.nowMs() < lossyEndMs) {
            world.time.runUntilMs(world.time.nowMs() + STEP_MS);
        }
        world.swarm.calm(true);
        runUntil(
                FOUND_LIMIT_MS,
                () -> service.whatIsMissing() == null,
                () -> "the cluster does not start: " + service.whatIsMissing());
        world.swarm.calm(false);
        if (isFine()) {
            createTopic();
            load.start(this);
            clients.start();
        }
    }

    /** Asks for a topic of a few partitions. */
    public void createTopic() {
        clients.createTopic(world.runs().get(0), 2 + world.random.below(6));
    }

    /** The topic stays until the end. */
    public void keepTopic(String name) {
        clients.keep(name);
    }

    private void use() {
        chaos.start();
        long endMs = world.time.nowMs() + world.random.between(5_000, load.longestUseMs());
        while (world.time.nowMs() < endMs && isFine()) {
            world.time.runUntilMs(world.time.nowMs() + STEP_MS);
            if (world.random.chance(0.1)) {
                new QuorumAudit(world).statesAgree();
            }
            load.step();
        }
    }

    private void heal() {
        chaos.end();
        clients.stop();
        load.heal();
        for (SimNode node : world.nodes) {
            NodeRun run = world.runs().get(0);
            run.process()
                    .after(1_000, "undrain", () -> run.quorum().controller().drainBroker(node.id(), false));
        }
        world.time.runUntilMs(world.time.nowMs() + 2_000);
        runUntil(
                HEAL_LIMIT_MS,
                () -> service.whatIsMissing() == null && load.whoWaits() == null,
                () -> "the cluster does not recover: " + service.whatIsMissing() + ", " + load.whoWaits());
    }

    /** Everything becomes committed, and everybody agrees. */
    private void settle() {
        load.settle(this);
        awaitCommitted();
        audit();
    }

    /** Lets time pass until all is served, and all that was appended is committed. */
    public void awaitCommitted() {
        runUntil(
                HEAL_LIMIT_MS,
                () -> service.whatIsUncommitted() == null,
                () -> String.valueOf(service.whatIsUncommitted()));
    }

    private void audit() {
        if (isFine()) {
            QuorumAudit audit = new QuorumAudit(world);
            audit.statesAgree();
            world.runs().forEach(audit::commandsAreKept);
            load.audit();
        }
    }

    /** Without faults, moves come to an end, and nothing is left that should move. What was asked for before has been done by then. */
    private void becomeEven() {
        world.time.runUntilMs(world.time.nowMs() + LATEST_COMMAND_MS);
        EvenLoads even = new EvenLoads(world);
        even.begin();
        runUntil(EVEN_LIMIT_MS, even::isDone, () -> "loads do not become even: " + even);
        even.audit();
        awaitCommitted();
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
                () -> service.whatIsUncommitted() == null,
                () -> "after a restart of node " + node.id() + ", " + service.whatIsUncommitted());
        audit();
    }

    /** Lets virtual time pass until {@code condition} holds; it is a violation if that takes longer than {@code limitMs}. */
    public void runUntil(long limitMs, BooleanSupplier condition, Supplier<String> otherwise) {
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
