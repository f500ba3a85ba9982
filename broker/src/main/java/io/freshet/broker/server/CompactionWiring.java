// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.ServerConfig;
import io.freshet.common.runtime.Threads;
import io.freshet.metadata.MetadataNode;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.StreamStorage;
import io.freshet.storage.compact.CompactionConfig;
import io.freshet.storage.compact.CompactionParts;
import io.freshet.storage.compact.CompactionService;
import io.freshet.storage.compact.ScratchFile;
import io.freshet.storage.reclaim.SweepParts;
import io.freshet.storage.reclaim.WalSweeper;
import java.time.Duration;
import java.util.concurrent.ExecutorService;

/** Starts what keeps the object store tidy beside the streams: compaction, and sweeping the slots of S3 WALs. */
record CompactionWiring(ServerConfig config, Runtime runtime) {
    private static final int QUEUE = 64;

    void start(ObjectStore store, MetadataNode metadata, StreamStorage streams, long brokerEpoch, OpenedParts opened) {
        var kafka = config.kafka();
        SweepParts sweep = new SweepParts(
                store,
                new QuorumMetadata(metadata)::catchUp,
                runtime.clock(),
                runtime.scheduler(),
                runtime.meters(),
                StorageConfig.defaults().sweepPeriodMs(),
                kafka.getLong(FreshetKeys.STORAGE_ORPHAN_GRACE_MS),
                config.nodeId());
        opened.add(
                "sweeping of WAL slots",
                new WalSweeper(sweep, brokerId -> metadata.manifests().wals(brokerId)));
        if (!kafka.getBoolean(FreshetKeys.STORAGE_COMPACTION_ENABLE)) {
            return;
        }
        ExecutorService thread = Threads.pool("freshet-compaction", 1, QUEUE);
        opened.add("compaction thread", () -> Threads.stop(thread, Duration.ofSeconds(10)));
        CompactionParts parts = parts(config, runtime, thread, new Around(store, metadata, streams, brokerEpoch));
        opened.add(
                "compaction",
                new CompactionService(compactionConfig(), parts, new ScratchFile(config.dataDirectory())));
    }

    /** The opened parts of this broker that compaction reads and writes. */
    record Around(ObjectStore store, MetadataNode metadata, StreamStorage streams, long brokerEpoch) {}

    /** What compaction and key compaction work with, each on a {@code thread} of its own. */
    static CompactionParts parts(ServerConfig config, Runtime runtime, ExecutorService thread, Around around) {
        return new CompactionParts(
                around.store,
                new QuorumMetadata(around.metadata),
                new QuorumCompaction(around.metadata),
                runtime.clock(),
                runtime.scheduler(),
                runtime.randomness(),
                thread,
                runtime.meters(),
                around.streams::isOverloaded,
                config.kafka().getLong(FreshetKeys.STORAGE_ORPHAN_GRACE_MS),
                config.nodeId(),
                around.brokerEpoch);
    }

    private CompactionConfig compactionConfig() {
        var kafka = config.kafka();
        CompactionConfig defaults = CompactionConfig.defaults();
        return new CompactionConfig(
                kafka.getLong(FreshetKeys.STORAGE_COMPACTION_INTERVAL_MS),
                defaults.leaseMs(),
                kafka.getLong(FreshetKeys.STORAGE_COMPACTION_BYTES_PER_SECOND),
                kafka.getLong(FreshetKeys.STORAGE_COMPACTION_MEMORY_BYTES),
                kafka.getDouble(FreshetKeys.STORAGE_COMPACTION_MAX_WRITE_AMPLIFICATION),
                defaults.shape());
    }
}
