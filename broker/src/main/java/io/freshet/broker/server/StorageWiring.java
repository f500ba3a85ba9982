// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.ServerConfig;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Threads;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStores;
import io.freshet.objectstore.StoreProbe;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;
import io.freshet.storage.StreamMetadata;
import io.freshet.storage.StreamStorage;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.cache.BlockCacheConfig;
import io.freshet.storage.cache.DiskTier;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.cache.LocalTierFile;
import io.freshet.storage.read.CatchUpPace;
import io.freshet.storage.read.ObjectSegmentReader;
import io.freshet.wal.s3.SealedWals;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.distribution.CountAtBucket;
import io.micrometer.core.instrument.distribution.HistogramSnapshot;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the object store and the streams as the configuration says. */
final class StorageWiring {
    private static final Logger LOG = LoggerFactory.getLogger(StorageWiring.class);
    private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(30);
    private static final long INDEX_CACHE_BYTES = 64L << 20;
    private static final int INDEX_TAIL_HINT_BYTES = 64 << 10;
    private static final int READ_AHEAD_BLOCKS = 16;
    private static final int DISK_TIER_READERS = 2;
    private static final int DISK_TIER_QUEUE = 1024;
    private static final long DISK_TIER_QUEUED_BYTES = 64L << 20;
    private static final int UPLOAD_THREADS = 2;
    private static final int UPLOAD_QUEUE = 1024;

    private final ServerConfig config;
    private final Runtime runtime;

    StorageWiring(ServerConfig config, Runtime runtime) {
        this.config = config;
        this.runtime = runtime;
    }

    /** Opens the store and proves that it can be written, read, listed and deleted from. */
    ObjectStore openStore() {
        ObjectStore store = ObjectStores.open(
                config.storageUri(), runtime.meters(), runtime.clock(), runtime.scheduler(), runtime.randomness());
        try {
            Waiting.on(
                    "The start-up check of the object store " + store.describe(),
                    PROBE_TIMEOUT,
                    StoreProbe.check(store, runtime.randomness()));
            return store;
        } catch (RuntimeException e) {
            store.close();
            throw e;
        }
    }

    /** Recovers the WAL lanes and opens the streams for one registration of this broker. */
    StreamStorage openStreams(
            ObjectStore store,
            List<StorageParts.Lane> lanes,
            SealedWals sealedWals,
            StreamMetadata metadata,
            long brokerEpoch,
            OpenedParts opened) {
        var kafka = config.kafka();
        BlockCacheConfig cacheConfig = BlockCacheConfig.ofCapacity(kafka.getLong(FreshetKeys.CACHE_BLOCK_BYTES));
        ExecutorService cacheGrowth = Threads.pool("freshet-cache-growth", 1, 1);
        opened.add("cache growth's thread", () -> Threads.stop(cacheGrowth, Duration.ofSeconds(5)));
        BlockCache blocks =
                new BlockCache(cacheConfig, store, openDiskTier(cacheConfig, opened), cacheGrowth, runtime.meters());
        CatchUpPace pace = opened.add(
                "catch-up pace",
                new CatchUpPace(
                        runtime.clock(),
                        runtime.scheduler(),
                        List.of(() -> seen("freshet.network.produce"), () -> seen("freshet.network.loop.delay")),
                        runtime.meters()));
        ObjectSegmentReader reader = opened.add(
                "segment reader",
                new ObjectSegmentReader(
                        new IndexCache(store, INDEX_CACHE_BYTES, INDEX_TAIL_HINT_BYTES, runtime.meters()),
                        blocks,
                        runtime.clock(),
                        READ_AHEAD_BLOCKS,
                        pace));
        ExecutorService uploads = Threads.pool("freshet-upload", UPLOAD_THREADS, UPLOAD_QUEUE);
        opened.add("upload threads", () -> Threads.stop(uploads, Duration.ofSeconds(10)));
        StorageParts parts = new StorageParts(
                store,
                metadata,
                reader,
                lanes,
                Optional.of(sealedWals),
                runtime.clock(),
                runtime.scheduler(),
                uploads,
                runtime.meters(),
                config.nodeId(),
                brokerEpoch);
        return opened.add("streams", StreamStorage.open(storageConfig(), parts));
    }

    /** What the front end has counted in one of its histograms. */
    private CatchUpPace.TailRequests seen(String name) {
        Timer timer = runtime.meters().find(name).timer();
        if (timer == null) {
            return CatchUpPace.TailRequests.NONE;
        }
        HistogramSnapshot seen = timer.takeSnapshot();
        CountAtBucket[] buckets = seen.histogramCounts();
        double[] counts = new double[buckets.length];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = buckets[i].count();
        }
        return new CatchUpPace.TailRequests(seen.count(), counts);
    }

    /** The cache on a local disk; null if there is none, also if its file cannot be used: it only saves requests. */
    private @Nullable DiskTier openDiskTier(BlockCacheConfig memory, OpenedParts opened) {
        String path = config.kafka().getString(FreshetKeys.CACHE_DISK_PATH);
        long capacityBytes = config.kafka().getLong(FreshetKeys.CACHE_DISK_BYTES);
        if (path.isBlank() || capacityBytes == 0) {
            return null;
        }
        LocalTierFile file;
        try {
            file = LocalTierFile.open(Path.of(path));
        } catch (FreshetException e) {
            LOG.warn("Running without the disk cache: {}", e.getMessage());
            return null;
        }
        ExecutorService writer = Threads.pool("freshet-disk-cache-write", 1, DISK_TIER_QUEUE);
        ExecutorService readers = Threads.pool("freshet-disk-cache-read", DISK_TIER_READERS, DISK_TIER_QUEUE);
        DiskTier tier = opened.add(
                "disk cache",
                new DiskTier(
                        file,
                        capacityBytes,
                        Math.min(DISK_TIER_QUEUED_BYTES, memory.capacityBytes() / 4),
                        writer,
                        readers,
                        runtime.meters()));
        opened.add("disk cache's threads", () -> {
            Threads.stop(writer, Duration.ofSeconds(5));
            Threads.stop(readers, Duration.ofSeconds(5));
        });
        return tier;
    }

    private StorageConfig storageConfig() {
        var kafka = config.kafka();
        StorageConfig defaults = StorageConfig.defaults();
        return defaults.withUpload(
                        kafka.getLong(FreshetKeys.STORAGE_UPLOAD_BYTES),
                        kafka.getLong(FreshetKeys.STORAGE_UPLOAD_INTERVAL_MS))
                .withObjects(
                        defaults.maxObjectBytes(),
                        defaults.largeRunBytes(),
                        kafka.getInt(FreshetKeys.STORAGE_BLOCK_BYTES))
                .withTailCacheBytes(config.tailCacheBytes())
                .withDeletion(
                        Math.min(
                                defaults.reapPeriodMs(),
                                Math.max(100, kafka.getLong(FreshetKeys.STORAGE_DELETE_GRACE_MS))),
                        kafka.getLong(FreshetKeys.STORAGE_DELETE_GRACE_MS),
                        defaults.sweepPeriodMs(),
                        kafka.getLong(FreshetKeys.STORAGE_ORPHAN_GRACE_MS));
    }
}
