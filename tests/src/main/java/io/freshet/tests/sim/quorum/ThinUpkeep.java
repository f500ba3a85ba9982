// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.balance.Load;
import io.freshet.metadata.balance.LoadReport;
import io.freshet.metadata.balance.PartitionLoad;
import io.freshet.tests.sim.SimProcess;
import io.freshet.tests.sim.SimRandom;
import java.util.List;

/** What a broker does besides: it seals WALs of the dead, frees sealed ones, and reports its loads. */
final class ThinUpkeep {
    private static final long REPORT_MS = 5_000;

    private final QuorumWorld world;
    private final ThinStorage storage;
    private final Member broker;
    private final SimProcess process;
    private final SimRandom random;

    ThinUpkeep(QuorumWorld world, ThinStorage storage, SimProcess process, SimRandom random) {
        this.world = world;
        this.storage = storage;
        this.broker = storage.member();
        this.process = process;
        this.random = random;
    }

    void start() {
        look();
        report();
    }

    private void look() {
        process.after(random.between(50, 600), "look after WALs", () -> {
            if (!broker.isOver()) {
                broker.manifests().abandonedWals().forEach(this::seal);
                broker.manifests().wals(broker.id()).stream()
                        .filter(wal -> wal.brokerEpoch() < broker.brokerEpoch() && !wal.isSealed())
                        .forEach(this::seal);
                if (random.chance(0.3)) {
                    broker.manifests().wals().stream()
                            .filter(WalState::isSealed)
                            .forEach(this::free);
                }
                look();
            }
        });
    }

    private void seal(WalState wal) {
        // Fencing takes a while, and may come about after this process.
        world.process.after(random.between(1, 50), "fence", () -> {
            world.counts.add("WAL is fenced");
            var seal = world.wals.fence(wal.brokerId(), wal.brokerEpoch());
            process.after(
                    random.between(1, 20),
                    "seal",
                    () -> broker.controller()
                            .sealWal(seal)
                            .whenComplete((done, error) -> world.time.say(
                                    process, () -> "asked for " + seal + ": " + (error == null ? "done" : error))));
        });
    }

    private void free(WalState wal) {
        boolean isInObjects = broker.manifests().walSeal(wal.brokerId(), wal.brokerEpoch()).stream()
                .flatMap(seal -> seal.streamEnds().entrySet().stream())
                .allMatch(end -> broker.manifests().stream(end.getKey())
                        .map(StreamState::endOffset)
                        .map(committed -> committed >= end.getValue())
                        .orElse(true));
        if (wal.isFreed()) {
            broker.controller().retireWal(wal.brokerId(), wal.brokerEpoch());
        } else if (isInObjects) {
            broker.controller().trimWal(wal.brokerId(), wal.brokerEpoch(), wal.sealedEndSlot());
        }
    }

    private void report() {
        process.after(REPORT_MS, "report loads", () -> {
            if (!broker.isOver()) {
                List<PartitionLoad> loads = storage.partitions().stream()
                        .map(partition -> new PartitionLoad(
                                partition.id().topicId(), partition.id().partition(), load(partition.streamId())))
                        .toList();
                broker.controller().reportLoads(new LoadReport(broker.id(), broker.brokerEpoch(), loads, Load.NONE));
                report();
            }
        });
    }

    /** Some streams are hot, the same ones wherever they are. */
    private static Load load(long streamId) {
        double rate = streamId % 3 == 0 ? 400_000 : 20_000;
        return new Load(rate, rate, rate / 10_000);
    }
}
