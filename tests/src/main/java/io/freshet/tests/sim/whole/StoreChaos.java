// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.whole;

import io.freshet.broker.partition.Partition;
import io.freshet.common.stream.StreamState;
import io.freshet.tests.sim.Ledger;
import io.freshet.tests.sim.SimRandom;
import io.freshet.tests.sim.World;
import io.freshet.tests.sim.quorum.SimNode;
import java.util.List;

/** Storms of the store, and what operators do to single streams. */
final class StoreChaos {
    private static final long TICK_MS = 500;

    private final WholeCluster cluster;
    private final World world;
    private final SimRandom random;
    private boolean isOver;

    StoreChaos(WholeCluster cluster) {
        this.cluster = cluster;
        this.world = cluster.storage();
        this.random = world.random.fork();
    }

    void start() {
        world.process.after(TICK_MS, "store chaos", this::tick);
    }

    /** Processes that died while they wrote are started again, from now on until the end. */
    void watchPower() {
        world.process.after(TICK_MS, "watch over the power", () -> {
            cluster.quorum().nodes.forEach(SimNode::noticeDeath);
            watchPower();
        });
    }

    void end() {
        isOver = true;
    }

    private void tick() {
        if (isOver) {
            return;
        }
        if (random.chance(world.swarm.storms * 0.3)) {
            world.counts.add("storm");
            world.store.storm(random.between(300, 6_000));
        }
        List<Ledger.Stream> streams = world.ledger.streams();
        long streamId = streams.get(random.below(streams.size())).streamId;
        RealStorage owner = cluster.manifests().stream(streamId)
                .map(StreamState::ownerId)
                .map(cluster::serving)
                .orElse(null);
        if (owner != null && random.chance(0.05)) {
            owner.process().after(0, "upload now", owner::upload);
        }
        if (owner != null && random.chance(world.swarm.trims * 0.5)) {
            owner.process().after(1, "trim", () -> trim(owner, streamId));
        }
        world.process.after(TICK_MS, "store chaos", this::tick);
    }

    private void trim(RealStorage owner, long streamId) {
        for (Partition partition : owner.partitions()) {
            if (partition.stream().streamId() == streamId && !partition.isFailed()) {
                long target = random.between(partition.logStartOffset(), partition.highWatermark());
                world.counts.add("trim");
                world.ledger.trimAsked(streamId, target);
                partition.trim(target).whenComplete((nothing, error) -> {
                    if (error == null) {
                        world.ledger.trimDone(streamId, target);
                    } else {
                        world.counts.add("trim fails");
                    }
                });
                return;
            }
        }
    }
}
