// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.KafkaSettings;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.config.WalKeys;
import io.freshet.broker.config.WalSettings;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Threads;
import io.freshet.common.stream.WalState;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.StorageParts;
import io.freshet.storage.format.SlotObjects;
import io.freshet.wal.WriteAheadLog;
import io.freshet.wal.block.BlockDevice;
import io.freshet.wal.block.BlockWal;
import io.freshet.wal.block.BlockWalConfig;
import io.freshet.wal.s3.S3Wal;
import io.freshet.wal.s3.S3WalConfig;
import io.freshet.wal.s3.S3WalServices;
import io.freshet.wal.s3.WalRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens this broker's WAL lanes: those that the configuration names, and those that may hold records of an earlier start. Used
 * by the starting thread; {@link #failure()} and {@link #stalledBy()} may be called by any.
 */
final class WalWiring {
    private static final Logger LOG = LoggerFactory.getLogger(WalWiring.class);
    private static final Duration S3_OPEN_TIMEOUT = Duration.ofMinutes(10);
    private static final int S3_THREADS = 2;
    private static final int S3_QUEUE = 100_000;

    private static final int TAKEN_TRIES = 60;
    private static final Duration TAKEN_PAUSE = Duration.ofSeconds(1);

    private final ServerConfig config;
    private final WalSettings settings;
    private final Runtime runtime;
    private final WalDevices devices;
    private volatile @Nullable BlockWal blockWal;
    private volatile @Nullable S3Wal s3Wal;

    WalWiring(ServerConfig config, Runtime runtime, WalDevices devices) {
        this.config = config;
        this.settings = config.wal();
        this.runtime = runtime;
        this.devices = devices;
    }

    /** Whether the block lane is to be opened: it is named, or its file is there. */
    boolean needsDevice() {
        return settings.runs(WalKeys.BLOCK) || Files.exists(config.walPath());
    }

    /** Opens, locks and at the first start fills the block lane's file. Another broker may be about to take it over. */
    BlockDevice openDevice() {
        makeDirectory(config.walPath().toAbsolutePath().getParent());
        int tries = config.walPathOf(config.nodeId()).isPresent() ? TAKEN_TRIES : 1;
        for (int i = 1; ; i++) {
            try {
                return devices.open(config.walPath(), settings.blockCapacityBytes());
            } catch (FreshetException e) {
                if (e.kind() != ErrorKind.UNAVAILABLE || i >= tries) {
                    throw e;
                }
                LOG.info("The block WAL is tried again in a second: {}", e.getMessage());
                Waiting.forAMoment(TAKEN_PAUSE, new CompletableFuture<>());
            }
        }
    }

    /** Why a lane stopped for good, if one did: the s3 lane, when it was fenced. The block lane is brought back when it fails. */
    Optional<FreshetException> failure() {
        S3Wal s3 = s3Wal;
        return s3 == null ? Optional.empty() : s3.failure();
    }

    /** End of the acknowledged slots of {@code wal}; −1 if this process does not write it. */
    long acknowledgedEndSlot(WalState wal) {
        S3Wal s3 = s3Wal;
        return s3 != null && wal.brokerId() == config.nodeId() && wal.brokerEpoch() == s3.brokerEpoch()
                ? s3.acknowledgedEndSlot()
                : -1;
    }

    /** Why the s3 lane waits for the store, if it does. */
    Optional<FreshetException> stalledBy() {
        S3Wal s3 = s3Wal;
        return s3 == null ? Optional.empty() : s3.stalledBy();
    }

    /**
     * The lanes, the default first.
     *
     * @param device the block lane's, if {@link #needsDevice()}
     */
    List<StorageParts.Lane> lanes(
            ObjectStore store,
            Optional<Early<BlockDevice>> device,
            WalRegistry registry,
            long brokerEpoch,
            OpenedParts opened) {
        List<StorageParts.Lane> lanes = new ArrayList<>();
        device.ifPresent(early -> {
            hintAtUnnamed(WalKeys.BLOCK, config.walPath() + " is there");
            lanes.add(new StorageParts.Lane(
                    WalKeys.BLOCK,
                    visitor -> openBlock(early.take(), visitor, brokerEpoch),
                    Optional.of(() -> reopenBlock(brokerEpoch))));
        });
        boolean hasS3Wals = !registry.wals(config.nodeId()).isEmpty();
        if (settings.runs(WalKeys.S3) || hasS3Wals) {
            hintAtUnnamed(WalKeys.S3, "the metadata knows s3 lanes of earlier starts");
            ExecutorService executor = Threads.pool("freshet-wal-s3", S3_THREADS, S3_QUEUE);
            opened.add("s3 lane threads", () -> Threads.stop(executor, Duration.ofSeconds(10)));
            lanes.add(new StorageParts.Lane(WalKeys.S3, visitor -> openS3(store, registry, brokerEpoch, executor)));
        }
        lanes.sort(Comparator.comparing(lane -> !lane.name().equals(settings.defaultLane())));
        return lanes;
    }

    /**
     * The names of the lanes that {@link #lanes} opens, the default first.
     *
     * @param known the s3 WALs that the metadata knows of this broker
     */
    List<String> laneNames(List<WalState> known) {
        List<String> names = new ArrayList<>();
        if (needsDevice()) {
            names.add(WalKeys.BLOCK);
        }
        if (settings.runs(WalKeys.S3) || !known.isEmpty()) {
            names.add(WalKeys.S3);
        }
        names.sort(Comparator.comparing(name -> !name.equals(settings.defaultLane())));
        return names;
    }

    private void hintAtUnnamed(String lane, String why) {
        if (!settings.runs(lane)) {
            LOG.info(
                    "The WAL lane {} is not in {}, but {}: it is opened for the records that it may hold, and no topic uses it",
                    lane,
                    WalKeys.WAL_LANES,
                    why);
        }
    }

    private WriteAheadLog openBlock(BlockDevice device, WriteAheadLog.RecoveryVisitor visitor, long brokerEpoch) {
        BlockWal opened = BlockWal.open(blockConfig(brokerEpoch), device, visitor, blockServices());
        blockWal = opened;
        return opened;
    }

    /** Called by one thread at a time, when the block lane has failed and nothing that it held is needed any more. */
    private WriteAheadLog reopenBlock(long brokerEpoch) {
        BlockWal failed = blockWal;
        if (failed == null) {
            throw new IllegalStateException("The block lane is reopened before it was opened");
        }
        BlockWal renewed =
                BlockWal.openAnew(blockConfig(brokerEpoch), devices.reopen(config.walPath()), failed, blockServices());
        blockWal = renewed;
        return renewed;
    }

    private BlockWalConfig blockConfig(long brokerEpoch) {
        return new BlockWalConfig(
                config.nodeId(),
                brokerEpoch,
                BlockWalConfig.DEFAULT_MAX_GROUP_BYTES,
                BlockWalConfig.DEFAULT_MAX_RECORD_BYTES);
    }

    private BlockWal.Services blockServices() {
        return new BlockWal.Services(runtime.clock(), runtime.randomness(), runtime.meters());
    }

    /** What earlier WALs of the lane hold is read when the streams are opened, like that of other brokers. */
    private WriteAheadLog openS3(ObjectStore store, WalRegistry registry, long brokerEpoch, ExecutorService executor) {
        S3Wal opened = Waiting.on(
                "opening the s3 WAL lane",
                S3_OPEN_TIMEOUT,
                S3Wal.openSealing(
                        s3Config(brokerEpoch),
                        store,
                        registry,
                        new SlotObjects(config.kafka().getInt(FreshetKeys.STORAGE_BLOCK_BYTES)),
                        new S3WalServices(
                                runtime.clock(),
                                runtime.scheduler(),
                                executor,
                                runtime.randomness(),
                                runtime.meters())));
        s3Wal = opened;
        return opened;
    }

    private S3WalConfig s3Config(long brokerEpoch) {
        KafkaSettings kafka = config.kafka();
        S3WalConfig.Batching batching = S3WalConfig.Batching.DEFAULT;
        S3WalConfig.Flight flight = S3WalConfig.Flight.DEFAULT;
        return new S3WalConfig(
                config.nodeId(),
                brokerEpoch,
                new S3WalConfig.Batching(
                        (int) Math.min(kafka.getInt(WalKeys.WAL_S3_BATCH_BYTES), settings.s3CapacityBytes()),
                        kafka.getInt(WalKeys.WAL_S3_BATCH_AGE_MIN_MS),
                        kafka.getInt(WalKeys.WAL_S3_BATCH_AGE_MAX_MS),
                        kafka.getInt(WalKeys.WAL_S3_LATENCY_TARGET_MS),
                        kafka.getDouble(WalKeys.WAL_S3_PUTS_PER_SECOND),
                        batching.putBurst()),
                new S3WalConfig.Flight(
                        kafka.getInt(WalKeys.WAL_S3_PUTS_IN_FLIGHT),
                        flight.maxBytes(),
                        kafka.getInt(WalKeys.WAL_S3_HEDGE_MIN_MS),
                        flight.maxRecordBytes(),
                        flight.readAheadSlots(),
                        flight.closeTimeoutMs()),
                settings.s3CapacityBytes(),
                kafka.getLong(WalKeys.WAL_S3_FENCE_RETENTION_MS));
    }

    private static void makeDirectory(@Nullable Path directory) {
        try {
            if (directory != null) {
                Files.createDirectories(directory);
            }
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Cannot make the WAL's directory " + directory + " (" + e.getMessage()
                            + "); check its rights, or set " + FreshetKeys.WAL_PATH,
                    e);
        }
    }
}
