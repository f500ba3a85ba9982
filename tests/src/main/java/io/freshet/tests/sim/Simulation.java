// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicCollection;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.jspecify.annotations.Nullable;

/** One run: a cluster is founded, used, hurt, healed and audited. */
final class Simulation {
    private static final long STEP_MS = 250;
    private static final long HEAL_LIMIT_MS = 120_000;

    private final World world;
    private final Chaos chaos;
    private final List<SimProducer> producers = new ArrayList<>();
    private final List<SimConsumer> consumers = new ArrayList<>();

    private Simulation(long seed, Sabotage sabotage, StatePool states, @Nullable Consumer<String> trace) {
        this.world = new World(seed, sabotage, states, trace);
        world.found(new SimQuorum(world, states.lend()));
        this.chaos = new Chaos(world);
    }

    /** Runs one seed. An exception that the product throws where it must not counts as a violation. */
    static Outcome run(long seed, Sabotage sabotage, StatePool states, @Nullable Consumer<String> trace) {
        try {
            Simulation simulation = new Simulation(seed, sabotage, states, trace);
            try {
                simulation.run();
            } catch (RuntimeException | AssertionError e) {
                simulation.world.ledger.violated(
                        "Something threw: " + e + " at " + (e.getStackTrace().length > 0 ? e.getStackTrace()[0] : "?"));
                if (trace != null) {
                    java.io.StringWriter stack = new java.io.StringWriter();
                    e.printStackTrace(new java.io.PrintWriter(stack));
                    trace.accept(stack.toString());
                }
            }
            World world = simulation.world;
            return new Outcome(
                    seed,
                    world.time.hash(),
                    world.time.eventCount(),
                    world.ledger.acknowledgedCount(),
                    world.ledger.consumedCount(),
                    world.counts,
                    world.ledger.violation());
        } finally {
            states.takeAllBack();
        }
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
    }

    private boolean isFine() {
        return world.ledger.violation() == null;
    }

    /** New partitions go to brokers that have said that they are ready. */
    private void unfenceAll() {
        SimQuorum quorum = world.quorum();
        quorum.state()
                .image()
                .cluster()
                .brokers()
                .values()
                .forEach(broker -> quorum.controller()
                        .heartbeat(new BrokerHeartbeat(broker.id(), broker.epoch(), Long.MAX_VALUE, true, false)));
        runUntil(
                60_000,
                () -> quorum.state().image().cluster().brokers().values().stream()
                        .noneMatch(BrokerRegistration::fenced),
                () -> "brokers stay fenced");
    }

    private void found() {
        int brokers = 1 + world.random.below(4);
        int partitions = 1 + world.random.below(5);
        int walBytes = 8192 + 4096 * (int) world.random.between(16, 60);
        for (int id = 0; id < brokers; id++) {
            SimBroker broker = new SimBroker(world, id, walBytes);
            world.brokers.add(broker);
            broker.start();
        }
        runUntil(60_000, () -> world.brokers.stream().allMatch(SimBroker::isServing), () -> "brokers do not start");
        unfenceAll();
        CreateTopicsRequestData request = new CreateTopicsRequestData()
                .setTopics(new CreatableTopicCollection(List.of(new CreatableTopic()
                                .setName("t")
                                .setNumPartitions(partitions)
                                .setReplicationFactor((short) 1))
                        .iterator()));
        world.quorum().controller().createTopics(request, Set.of());
        runUntil(60_000, () -> !world.quorum().state().image().topics().isEmpty(), () -> "no topic is made");
        TopicImage topic = world.quorum()
                .state()
                .image()
                .topics()
                .topicsById()
                .values()
                .iterator()
                .next();
        for (int partition = 0; partition < partitions; partition++) {
            long streamId = world.quorum()
                    .state()
                    .manifests()
                    .streamId(topic.id(), partition)
                    .orElseThrow();
            world.ledger.add(streamId);
            int producersOfStream = 1 + world.random.below(2);
            for (int i = 0; i < producersOfStream; i++) {
                producers.add(new SimProducer(world, 100L * partition + i, streamId));
            }
            consumers.add(new SimConsumer(world, streamId));
        }
        producers.forEach(SimProducer::start);
        consumers.forEach(SimConsumer::start);
    }

    private void use() {
        chaos.start();
        long endMs = world.time.nowMs() + world.random.between(5_000, 30_000);
        while (world.time.nowMs() < endMs && isFine()) {
            world.time.runUntilMs(world.time.nowMs() + STEP_MS);
            if (world.random.chance(0.02)) {
                new Audit(world).nothingIsLost();
            }
        }
    }

    private void heal() {
        new Audit(world).nothingIsLost();
        chaos.end();
        producers.forEach(SimProducer::stop);
        runUntil(
                HEAL_LIMIT_MS,
                () -> producers.stream().allMatch(SimProducer::isDone)
                        && world.brokers.stream().allMatch(SimBroker::servesAllItOwns),
                this::whatIsDown);
        if (isFine()) {
            new Audit(world).nothingIsLost();
        }
    }

    private String whatIsDown() {
        return "the cluster does not recover: producers wait: "
                + producers.stream().filter(producer -> !producer.isDone()).toList() + "; brokers that do not serve: "
                + world.brokers.stream()
                        .filter(broker -> !broker.servesAllItOwns())
                        .toList();
    }

    private void settle() {
        List<CompletableFuture<Void>> uploads = new ArrayList<>();
        for (SimBroker broker : world.brokers) {
            broker.upload(uploads);
        }
        runUntil(
                HEAL_LIMIT_MS,
                () -> uploads.stream().allMatch(CompletableFuture::isDone),
                () -> "uploads do not end although everything is healed");
        uploads.stream()
                .filter(CompletableFuture::isCompletedExceptionally)
                .findFirst()
                .ifPresent(failed -> world.ledger.violated("An upload fails after everything is healed: " + failed));
        consumers.forEach(SimConsumer::stop);
        world.time.runUntilMs(world.time.nowMs() + World.MAX_LATE_MS + 2 * world.orphanGraceMs);
        runUntil(HEAL_LIMIT_MS, () -> leftOver() == null, () -> String.valueOf(leftOver()));
        if (isFine()) {
            new Audit(world).everythingIsCommitted(chaos.clocksWereSteady());
        }
        world.brokers.forEach(SimBroker::close);
        world.time.runUntilMs(world.time.nowMs() + World.MAX_LATE_MS);
        if (isFine()) {
            new Audit(world).everythingIsCommitted(chaos.clocksWereSteady());
            world.ledger.check(leftOver() == null, () -> String.valueOf(leftOver()));
        }
    }

    private @Nullable String leftOver() {
        return new WalAudit(world, world.quorum().state().manifests()).leftOver();
    }

    private void runUntil(long limitMs, BooleanSupplier condition, Supplier<String> otherwise) {
        long endMs = world.time.nowMs() + limitMs;
        while (!condition.getAsBoolean() && isFine()) {
            if (world.time.nowMs() >= endMs) {
                world.ledger.violated("After " + limitMs + " ms, " + otherwise.get());
                return;
            }
            world.time.runUntilMs(world.time.nowMs() + STEP_MS);
        }
    }
}
