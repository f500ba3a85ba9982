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
import io.freshet.storage.reclaim.SweepParts;
import io.freshet.storage.reclaim.WalSweeper;
import java.time.Duration;
import java.util.concurrent.ExecutorService;

/** Starts what keeps the object store tidy beside the streams: compaction, and sweeping the slots of S3 WALs. */
record CompactionWiring(ServerConfig config, Runtime runtime) {
    private static final int QUEUE = 64;

    void start(ObjectStore store, MetadataNode metadata, StreamStorage streams, long brokerEpoch, OpenedParts opened) {
        var kafka = config.kafka();
        long orphanGraceMs = kafka.getLong(FreshetKeys.STORAGE_ORPHAN_GRACE_MS);
        SweepParts sweep = new SweepParts(
                store,
                new QuorumMetadata(metadata)::catchUp,
                runtime.clock(),
                runtime.scheduler(),
                runtime.meters(),
                StorageConfig.defaults().sweepPeriodMs(),
                orphanGraceMs);
        opened.add(
                "sweeping of WAL slots",
                new WalSweeper(sweep, brokerId -> metadata.manifests().wals(brokerId)));
        if (!kafka.getBoolean(FreshetKeys.STORAGE_COMPACTION_ENABLE)) {
            return;
        }
        ExecutorService thread = Threads.pool("freshet-compaction", 1, QUEUE);
        opened.add("compaction thread", () -> Threads.stop(thread, Duration.ofSeconds(10)));
        CompactionParts parts = new CompactionParts(
                store,
                new QuorumMetadata(metadata),
                new QuorumCompaction(metadata),
                runtime.clock(),
                runtime.scheduler(),
                runtime.randomness(),
                thread,
                runtime.meters(),
                streams::isOverloaded,
                orphanGraceMs,
                config.nodeId(),
                brokerEpoch);
        opened.add("compaction", new CompactionService(compactionConfig(), parts));
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
