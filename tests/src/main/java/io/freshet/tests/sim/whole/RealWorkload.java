// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.whole;

import io.freshet.common.stream.StreamState;
import io.freshet.tests.sim.Audit;
import io.freshet.tests.sim.Ledger;
import io.freshet.tests.sim.SimConsumer;
import io.freshet.tests.sim.SimProducer;
import io.freshet.tests.sim.SimRandom;
import io.freshet.tests.sim.WalAudit;
import io.freshet.tests.sim.World;
import io.freshet.tests.sim.quorum.Course;
import io.freshet.tests.sim.quorum.NodeRun;
import io.freshet.tests.sim.quorum.SimNode;
import io.freshet.tests.sim.quorum.Workload;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.kafka.image.TopicImage;
import org.jspecify.annotations.Nullable;

/** Producers and consumers of one topic's partitions, and faults of the store that holds them. */
final class RealWorkload implements Workload {
    private static final long FOUND_LIMIT_MS = 120_000;
    private static final long ASK_AGAIN_MS = 10_000;
    private static final double AUDITS = 0.02;

    private final WholeCluster cluster;
    private final World world;
    private final SimRandom random;
    private final StoreChaos chaos;
    private final Strangers strangers;
    private final List<SimProducer> producers = new ArrayList<>();
    private final List<SimConsumer> consumers = new ArrayList<>();
    private long askedAtMs;

    RealWorkload(WholeCluster cluster) {
        this.cluster = cluster;
        this.world = cluster.storage();
        this.random = world.random.fork();
        this.chaos = new StoreChaos(cluster);
        this.strangers = new Strangers(cluster);
        chaos.watchPower();
    }

    private @Nullable TopicImage topic() {
        return cluster.image().topics().topicsByName().values().stream()
                .min(Comparator.comparing(TopicImage::name))
                .orElse(null);
    }

    @Override
    public void start(Course course) {
        askedAtMs = world.time.nowMs();
        course.runUntil(FOUND_LIMIT_MS, () -> hasTopic(course), () -> "no topic is made");
        TopicImage made = topic();
        if (made == null) {
            return;
        }
        course.keepTopic(made.name());
        for (int partition = 0; partition < made.partitions().size(); partition++) {
            long streamId = cluster.manifests().streamId(made.id(), partition).orElseThrow();
            world.ledger.add(streamId);
            int producersOfStream = 1 + random.below(2);
            for (int i = 0; i < producersOfStream; i++) {
                producers.add(new SimProducer(world, 100L * partition + i, streamId));
            }
            consumers.add(new SimConsumer(world, streamId));
        }
        producers.forEach(SimProducer::start);
        consumers.forEach(SimConsumer::start);
        chaos.start();
        strangers.start();
    }

    /** A command that was lost is sent again, for another topic. */
    private boolean hasTopic(Course course) {
        if (topic() == null && world.time.nowMs() - askedAtMs > ASK_AGAIN_MS) {
            askedAtMs = world.time.nowMs();
            course.createTopic();
        }
        return topic() != null;
    }

    @Override
    public long longestUseMs() {
        return 90_000;
    }

    @Override
    public void step() {
        if (random.chance(AUDITS)) {
            audit();
        }
    }

    @Override
    public void heal() {
        audit();
        world.swarm.heal();
        chaos.end();
        strangers.end();
        producers.forEach(SimProducer::stop);
        cluster.quorum().nodes.forEach(SimNode::noticeDeath);
        for (NodeRun run : cluster.quorum().runs()) {
            run.process().setSkewMs(0);
        }
    }

    @Override
    public @Nullable String whoWaits() {
        List<SimProducer> waiting =
                producers.stream().filter(producer -> !producer.isDone()).toList();
        return waiting.isEmpty() ? null : "waiting: " + waiting;
    }

    /** Everything is uploaded; then nothing is left that the quorum does not need. */
    @Override
    public void settle(Course course) {
        audit();
        cluster.quorum().brokers().forEach(broker -> broker.storage().upload());
        course.awaitCommitted();
        course.runUntil(Course.HEAL_LIMIT_MS, () -> unread() == null, () -> String.valueOf(unread()));
        consumers.forEach(SimConsumer::stop);
        world.time.runUntilMs(world.time.nowMs() + World.MAX_LATE_MS + 2 * world.orphanGraceMs);
        course.runUntil(Course.HEAL_LIMIT_MS, () -> leftOver() == null, () -> String.valueOf(leftOver()));
        if (course.isFine()) {
            new Audit(world).everythingIsCommitted(world.counts.of("wall clock jumps") == 0);
        }
    }

    /** What its consumer has not come to the end of; null if there is nothing such. */
    private @Nullable String unread() {
        for (Ledger.Stream stream : world.ledger.streams()) {
            StreamState state = cluster.manifests().stream(stream.streamId).orElseThrow();
            var last = stream.consumed.lastEntry();
            boolean isRead = last != null && last.getValue().endOffset() >= state.endOffset();
            boolean maySkip = stream.trimAsked
                    >= state.endOffset(); // consumers begin anew where a trim was asked for, done or not
            if (!isRead && !maySkip && state.startOffset() < state.endOffset()) {
                return "the consumer of " + state + " has read up to " + last;
            }
        }
        return null;
    }

    private @Nullable String leftOver() {
        return new WalAudit(world, cluster.manifests()).leftOver();
    }

    @Override
    public void audit() {
        new Audit(world).nothingIsLost();
    }

    @Override
    public @Nullable String violation() {
        return world.ledger.violation();
    }

    @Override
    public long acknowledged() {
        return world.ledger.acknowledgedCount();
    }

    @Override
    public long consumed() {
        return world.ledger.consumedCount();
    }
}
