// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.config.WalKeys;
import io.freshet.common.runtime.Threads;
import io.freshet.common.stream.StreamState;
import io.freshet.metadata.MetadataNode;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.format.SlotObjects;
import io.freshet.wal.s3.S3WalServices;
import io.freshet.wal.s3.SealedWals;
import io.freshet.wal.s3.SlotFormat;
import io.freshet.wal.s3.WalReclaim;
import io.freshet.wal.s3.WalRegistry;
import io.freshet.wal.s3.WalSealer;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;

/** What a broker does with S3 WALs that others wrote: ends those of the dead, reads the sealed ones, frees them. */
final class TakeoverWiring {
    private static final int THREADS = 2;
    private static final int QUEUE = 100_000;
    private static final long RECLAIM_PERIOD_MS = 5_000;

    private final ServerConfig config;
    private final ObjectStore store;
    private final MetadataNode metadata;
    private final QuorumWals wals;
    private final WalRegistry registry;
    private final SlotFormat format;
    private final S3WalServices services;

    TakeoverWiring(ServerConfig config, Runtime runtime, ObjectStore store, MetadataNode metadata, OpenedParts opened) {
        this.config = config;
        this.store = store;
        this.metadata = metadata;
        this.wals = new QuorumWals(metadata);
        this.registry = new QuorumWalRegistry(metadata);
        this.format = new SlotObjects(config.kafka().getInt(FreshetKeys.STORAGE_BLOCK_BYTES));
        ExecutorService executor = Threads.pool("freshet-wal-takeover", THREADS, QUEUE);
        opened.add("WAL takeover threads", () -> Threads.stop(executor, Duration.ofSeconds(10)));
        this.services = new S3WalServices(
                runtime.clock(), runtime.scheduler(), executor, runtime.randomness(), runtime.meters());
    }

    SealedWals sealedWals() {
        return new SealedWals(SealedWals.Bounds.DEFAULT, store, wals, registry, format, services);
    }

    /** Begins to look after the WALs of the dead, and after the sealed ones. */
    void start(long brokerEpoch, WalDevices devices, OpenedParts opened) {
        WalSealer sealer = opened.add(
                "WAL sealer",
                new WalSealer(WalSealer.Config.of(config.nodeId()), wals, wals, store, registry, format, services));
        metadata.addListener((delta, image) -> {
            if (delta.clusterDelta() != null) {
                sealer.look();
            }
        });
        if (config.walPathOf(config.nodeId()).isPresent()) {
            long timeoutMs = config.kafka().getLong(FreshetKeys.STORAGE_ORPHAN_GRACE_MS) / 8;
            opened.add(
                    "takeover of block WALs",
                    new BlockTakeover(
                            new BlockTakeover.Parts(
                                    config.nodeId(), timeoutMs, metadata, devices, store, registry, format, services),
                            brokerId -> config.walPathOf(brokerId).orElseThrow()));
        }
        WalReclaim.Parts parts = new WalReclaim.Parts(
                store,
                wals,
                registry,
                this::committedEnd,
                (job, durationMs) -> metadata.controller().leaseJob(job, config.nodeId(), brokerEpoch, durationMs));
        long retentionMs = config.kafka().getLong(WalKeys.WAL_S3_FENCE_RETENTION_MS);
        opened.add(
                "reclaim of sealed WALs",
                new WalReclaim(new WalReclaim.Config(RECLAIM_PERIOD_MS, retentionMs), parts, services));
    }

    private OptionalLong committedEnd(long streamId) {
        return metadata.manifests().stream(streamId)
                .map(StreamState::endOffset)
                .map(OptionalLong::of)
                .orElse(OptionalLong.empty());
    }
}
