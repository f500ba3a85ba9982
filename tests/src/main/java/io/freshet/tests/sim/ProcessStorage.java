// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStores;
import io.freshet.objectstore.retry.RetryPolicy;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;
import io.freshet.storage.StreamStorage;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.cache.BlockCacheConfig;
import io.freshet.storage.cache.DiskTier;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.format.SlotObjects;
import io.freshet.storage.read.ObjectSegmentReader;
import io.freshet.storage.read.SegmentReader;
import io.freshet.wal.WriteAheadLog;
import io.freshet.wal.block.BlockWal;
import io.freshet.wal.block.BlockWalConfig;
import io.freshet.wal.s3.S3Wal;
import io.freshet.wal.s3.S3WalConfig;
import io.freshet.wal.s3.S3WalServices;
import io.freshet.wal.s3.SealedWals;
import io.freshet.wal.s3.SlotFormat;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** What one process of a broker has open: its lanes, caches and streams, and what keeps the store tidy beside them. */
public final class ProcessStorage {
    public static final int BLOCK_BYTES = 4096;
    private static final String BLOCK_LANE = "block";
    private static final String S3_LANE = "s3";
    private static final long S3_CAPACITY_BYTES = 150_000;
    private static final int READ_AHEAD_SLOTS = 3;
    /** The tail is charged a whole slab with the first piece in it. */
    private static final long SLAB_BYTES = 256 << 10;

    private final World world;
    private final Place place;
    private final SimProcess process;
    private final SimRandom random;
    private final QuorumPorts ports;
    private final MeterRegistry meters = new SimpleMeterRegistry();
    private final SimDriver driver;
    private final ObjectStore objects;
    private final StorageConfig config;
    private final BlockCacheConfig cache;
    private @Nullable StreamStorage streams;
    private @Nullable BlockCache blocks;
    private @Nullable Gauge tailBytes;
    private @Nullable BlockWal wal;
    private @Nullable S3Wal s3Wal;
    private @Nullable SegmentReader reader;
    private @Nullable Tidying tidying;

    /** Whose storage it is, and where. */
    public record Place(int brokerId, long brokerEpoch, SimDisk disk, SimProcess process) {}

    public ProcessStorage(World world, Place place, QuorumPorts ports) {
        this.world = world;
        this.place = place;
        this.process = place.process;
        this.random = world.random.fork();
        this.ports = ports;
        this.driver = new SimDriver(world, process);
        this.objects = ObjectStores.over(driver, new RetryPolicy(3, 50, 500), meters, process, process, random.fork());
        long lanesBytes = place.disk.bytes().length + S3_CAPACITY_BYTES;
        this.config = StorageConfig.defaults()
                .withUpload(random.between(2_000, 60_000), random.between(100, 3_000))
                .withTailCacheBytes(random.between(lanesBytes, 3 * lanesBytes))
                .withObjects(random.between(1, 80_000), random.between(1, 40_000), BLOCK_BYTES)
                .withDeletion(
                        Math.max(300, world.orphanGraceMs / 50), 1_000, world.orphanGraceMs / 50, world.orphanGraceMs);
        int cacheBytes = 1 << (int) (world.hasDiskTier ? random.between(16, 18) : random.between(17, 20));
        this.cache = new BlockCacheConfig(cacheBytes, cacheBytes / 4, cacheBytes / 2, cacheBytes / 4);
    }

    public StreamStorage streams() {
        return Objects.requireNonNull(streams);
    }

    public ObjectStore objects() {
        return objects;
    }

    public QuorumPorts ports() {
        return ports;
    }

    public MeterRegistry meters() {
        return meters;
    }

    /** The format of S3 WALs' slots. */
    public static SlotFormat slotFormat() {
        return new SlotObjects(BLOCK_BYTES);
    }

    /** Whether this process was given bytes of the object that {@code damage} names which the store does not hold. */
    public boolean wasMisled(FreshetException damage) {
        return driver.explains(damage);
    }

    /** Why this process cannot go on, if so. */
    public Optional<String> failure() {
        S3Wal slots = s3Wal;
        BlockWal lane = wal;
        if (slots != null && slots.failure().isPresent()) {
            return Optional.of("process stops after its S3 lane was fenced");
        }
        return lane != null && lane.failure().isPresent()
                ? Optional.of("process stops after a device error")
                : Optional.empty();
    }

    /** Why the block lane takes nothing any more, if so. */
    public Optional<FreshetException> deviceFailure() {
        BlockWal lane = wal;
        return lane == null ? Optional.empty() : lane.failure();
    }

    /** Why the S3 lane takes nothing any more, if so. */
    public Optional<FreshetException> slotsFailure() {
        S3Wal slots = s3Wal;
        return slots == null ? Optional.empty() : slots.failure();
    }

    /** Recovers the lanes and opens the streams' storage. */
    public CompletableFuture<Void> open() {
        if (!world.lanes.contains(S3_LANE)) {
            return opened(List.of(new StorageParts.Lane(BLOCK_LANE, this::openWal)));
        }
        RecoveredRecords found = new RecoveredRecords();
        CompletableFuture<S3Wal> opening = ports.catalog() == null
                ? S3Wal.open(s3Config(), objects, ports.wals(), slotFormat(), found, slotServices())
                : S3Wal.openSealing(s3Config(), objects, ports.wals(), slotFormat(), slotServices());
        return opening.thenCompose(slots -> {
            s3Wal = slots;
            List<StorageParts.Lane> lanes = new ArrayList<>();
            lanes.add(new StorageParts.Lane(
                    S3_LANE, visitor -> world.sabotage.wal(found.replay(slots, visitor), process, random.fork())));
            if (world.lanes.contains(BLOCK_LANE)) {
                int place = ports.catalog() == null ? random.below(2) : world.lanes.indexOf(BLOCK_LANE);
                lanes.add(place, new StorageParts.Lane(BLOCK_LANE, this::openWal));
            }
            return opened(lanes);
        });
    }

    public S3WalServices slotServices() {
        return new S3WalServices(process, process, process.pool(), random.fork(), meters);
    }

    private S3WalConfig s3Config() {
        return new S3WalConfig(
                place.brokerId,
                place.brokerEpoch,
                new S3WalConfig.Batching(
                        (int) random.between(4096, 20_000), 5, (int) random.between(5, 100), 60, 20, 8),
                new S3WalConfig.Flight((int) random.between(1, 6), 64_000, 50, 1 << 20, 3, 1_000),
                S3_CAPACITY_BYTES,
                World.FENCE_RETENTION_MS);
    }

    private WriteAheadLog openWal(WriteAheadLog.RecoveryVisitor visitor) {
        BlockWal opened = BlockWal.openStepwise(
                new BlockWalConfig(place.brokerId, place.brokerEpoch, 8192 << random.below(4), 1 << 20),
                place.disk.attach(process),
                visitor,
                new BlockWal.Services(process, random.fork(), meters),
                process.thread("wal"));
        wal = opened;
        return world.sabotage.wal(opened, process, random.fork());
    }

    private CompletableFuture<Void> opened(List<StorageParts.Lane> lanes) {
        BlockCache memory = new BlockCache(cache, objects, diskTier(), meters);
        blocks = memory;
        SegmentReader made = world.sabotage.reader(
                new ObjectSegmentReader(new IndexCache(objects, 1 << 20, BLOCK_BYTES, meters), memory, process, 2),
                random.fork());
        reader = made;
        try {
            streams = StreamStorage.open(config, parts(lanes, made, meters));
        } catch (FreshetException e) {
            return CompletableFuture.failedFuture(e);
        }
        world.time.note(
                process,
                "recovers records, rejects",
                (long) meters.counter("freshet.storage.recovery.records").count(),
                (long) meters.counter("freshet.storage.recovery.rejected").count());
        tailBytes = meters.get("freshet.storage.tail.bytes").gauge();
        tidying = new Tidying(world, this, place);
        return CompletableFuture.completedFuture(null);
    }

    private StorageParts parts(List<StorageParts.Lane> lanes, SegmentReader segments, MeterRegistry registry) {
        return new StorageParts(
                objects,
                world.sabotage.metadata(ports.metadata()),
                segments,
                lanes,
                sealedWals(),
                process,
                process,
                process.pool(),
                registry,
                place.brokerId,
                place.brokerEpoch);
    }

    private Optional<SealedWals> sealedWals() {
        return Optional.ofNullable(ports.catalog())
                .map(catalog -> new SealedWals(
                        new SealedWals.Bounds(READ_AHEAD_SLOTS, 64_000),
                        objects,
                        world.sabotage.catalog(catalog),
                        ports.wals(),
                        slotFormat(),
                        slotServices()));
    }

    /** Another storage of the same process, over {@code lane} alone, to bring what that holds into objects. */
    public StreamStorage beside(StorageParts.Lane lane) {
        return StreamStorage.open(
                config, parts(List.of(lane), Objects.requireNonNull(reader), new SimpleMeterRegistry()));
    }

    private @Nullable DiskTier diskTier() {
        if (!world.hasDiskTier) {
            return null;
        }
        int sizeBytes = (int) random.between(16_384, 200_000);
        return new DiskTier(
                new SimTierFile(world, process, sizeBytes),
                sizeBytes,
                64_000,
                process.thread("disk tier"),
                process.pool(),
                meters);
    }

    /** What is charged to the budgets never exceeds them. */
    public void checkMemory() {
        Gauge tail = tailBytes;
        BlockCache memory = blocks;
        if (tail != null && memory != null) {
            double used = tail.value();
            world.ledger.check(
                    used <= config.tailCacheBytes() + SLAB_BYTES,
                    () -> "The tails of broker " + place.brokerId + " take " + used + " bytes of "
                            + config.tailCacheBytes());
            world.ledger.check(
                    memory.usedBytes() <= cache.capacityBytes() && memory.reservedBytes() <= cache.capacityBytes(),
                    () -> "The block cache of broker " + place.brokerId + " takes " + memory.usedBytes() + " of "
                            + memory.reservedBytes() + " bytes, it may have " + cache.capacityBytes());
        }
    }

    /** Stops as a process does that was asked to: the lanes first, which takes virtual time, then the rest. */
    public void close() {
        Tidying running = tidying;
        if (running != null) {
            running.close();
        }
        S3Wal slots = s3Wal;
        if (slots == null) {
            closeStreams();
        } else {
            slots.shutdown().whenComplete((nothing, error) -> closeStreams());
        }
    }

    private void closeStreams() {
        StreamStorage open = streams;
        if (open != null) {
            open.close();
        }
        SegmentReader openReader = reader;
        if (openReader != null) {
            openReader.close();
        }
    }

    public void forget() {
        meters.close();
    }
}
