// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.storage.compact.CompactionConfig;
import io.freshet.storage.compact.CompactionParts;
import io.freshet.storage.compact.CompactionService;
import io.freshet.storage.reclaim.SweepParts;
import io.freshet.storage.reclaim.WalSweeper;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** What keeps the store tidy beside a process's streams: compaction, and sweeping the slots of S3 WALs. */
final class Tidying implements AutoCloseable {
    private final WalSweeper slots;
    private final @Nullable CompactionService compaction;

    Tidying(World world, ProcessStorage storage, ProcessStorage.Place place) {
        SimProcess process = place.process();
        QuorumPorts ports = storage.ports();
        this.slots = new WalSweeper(
                new SweepParts(
                        storage.objects(),
                        ports.metadata()::catchUp,
                        process,
                        process,
                        storage.meters(),
                        world.orphanGraceMs / 20,
                        world.orphanGraceMs,
                        place.brokerId()),
                ports.wals()::wals);
        this.compaction = world.compacts ? compaction(world, storage, place) : null;
    }

    private static CompactionService compaction(World world, ProcessStorage storage, ProcessStorage.Place place) {
        SimProcess process = place.process();
        SimRandom random = world.random.fork();
        CompactionConfig compacting = new CompactionConfig(
                random.between(200, 3_000),
                random.between(1_000, 5_000),
                random.between(50_000, 5_000_000),
                1 << 20,
                random.between(1, 10),
                CompactionConfig.Shape.defaults()
                        .dividedBy(1 << (int) random.between(11, 15), ProcessStorage.BLOCK_BYTES));
        return new CompactionService(
                compacting,
                new CompactionParts(
                        storage.objects(),
                        world.sabotage.metadata(storage.ports().metadata()),
                        new WatchedCompaction(world, storage.ports().compaction()),
                        process,
                        process,
                        random.fork(),
                        process.thread("compaction"),
                        storage.meters(),
                        storage.streams()::isOverloaded,
                        world.orphanGraceMs,
                        place.brokerId(),
                        place.brokerEpoch()),
                ByteBuffer::allocate);
    }

    @Override
    public void close() {
        if (compaction != null) {
            compaction.close();
        }
        slots.close();
    }
}
