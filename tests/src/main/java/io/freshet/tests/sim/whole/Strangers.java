// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.whole;

import io.freshet.broker.partition.Partition;
import io.freshet.tests.sim.SimBatches;
import io.freshet.tests.sim.SimRandom;
import io.freshet.tests.sim.World;
import io.freshet.tests.sim.quorum.Member;
import java.nio.ByteBuffer;
import java.util.List;

/** Producers that send one batch each, to topics that may be deleted at any time, and do not wait for what becomes of it. */
final class Strangers {
    private static final long FIRST_PRODUCER_ID = 1_000_000;

    private final WholeCluster cluster;
    private final World world;
    private final SimRandom random;
    private final long everyMs;
    private long nextProducerId = FIRST_PRODUCER_ID;
    private boolean isOver;

    Strangers(WholeCluster cluster) {
        this.cluster = cluster;
        this.world = cluster.storage();
        this.random = world.random.fork();
        this.everyMs = random.between(20, 500);
    }

    void start() {
        world.process.after(random.between(1, 2 * everyMs), "stranger", () -> {
            if (!isOver) {
                send();
                start();
            }
        });
    }

    void end() {
        isOver = true;
    }

    private void send() {
        List<Member> brokers = cluster.quorum().brokers();
        if (brokers.isEmpty()) {
            return;
        }
        RealStorage storage =
                (RealStorage) brokers.get(random.below(brokers.size())).storage();
        List<Partition> others = storage.partitions().stream()
                .filter(partition -> !world.ledger.knows(partition.stream().streamId()))
                .toList();
        if (!others.isEmpty()) {
            long streamId = others.get(random.below(others.size())).stream().streamId();
            ByteBuffer batch = SimBatches.batch(nextProducerId++, 0, 1 + random.below(5), random.below(1_000), random);
            storage.process().after(0, "append", () -> {
                var partition = storage.partition(streamId);
                if (partition != null) {
                    partition.produce(batch, reply -> world.counts.add("stranger is answered"));
                }
            });
        }
    }
}
