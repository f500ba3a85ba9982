// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamState;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.state.ManifestStore;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStores;
import io.freshet.objectstore.retry.RetryPolicy;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;
import io.freshet.storage.StreamStorage;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.cache.BlockCacheConfig;
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
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.jspecify.annotations.Nullable;

/** One process of a broker: registers, recovers its WAL, serves what it owns, and stops when it finds itself replaced. */
final class Incarnation {
    private static final long WATCH_MS = 500;
    private static final String BLOCK_LANE = "block";
    private static final String S3_LANE = "s3";
    private static final long S3_CAPACITY_BYTES = 150_000;
    private static final BlockCacheConfig CACHE = new BlockCacheConfig(1 << 20, 1 << 18, 1 << 19, 1 << 16);

    private final World world;
    private final SimBroker broker;
    private final SimProcess process;
    private final SimRandom random;
    private final SimFollower follower;
    private final MeterRegistry meters = new SimpleMeterRegistry();
    private final Map<Long, SimPartition> partitions = new TreeMap<>();
    private final StorageConfig config;
    private final Uuid incarnationId;
    private long brokerEpoch = -1;
    private @Nullable StreamStorage storage;
    private @Nullable BlockWal wal;
    private @Nullable S3Wal s3Wal;
    private @Nullable SegmentReader reader;

    Incarnation(World world, SimBroker broker, SimProcess process, ManifestStore tables) {
        this.world = world;
        this.broker = broker;
        this.process = process;
        this.random = world.random.fork();
        this.incarnationId = new Uuid(random.nextLong(), random.nextLong());
        this.follower = new SimFollower(world, process, tables, this::reconcile);
        this.config = StorageConfig.defaults()
                .withUpload(random.between(2_000, 60_000), random.between(100, 3_000))
                .withTailCacheBytes(random.between(2 * (broker.disk().bytes().length + S3_CAPACITY_BYTES), 1_200_000))
                .withObjects(random.between(1, 80_000), random.between(1, 40_000), 4096)
                .withDeletion(300, 1_000, 200, World.ORPHAN_GRACE_MS);
    }

    SimProcess process() {
        return process;
    }

    SimFollower follower() {
        return follower;
    }

    @Nullable
    StreamStorage storage() {
        return storage;
    }

    List<SimPartition> partitions() {
        return new ArrayList<>(partitions.values());
    }

    @Nullable
    SimPartition partition(long streamId) {
        return partitions.get(streamId);
    }

    boolean isServing() {
        return storage != null && !process.isDead();
    }

    /** Whether every stream that the quorum gives to this broker is open here. */
    boolean servesAllItOwns() {
        return isServing()
                && world.ledger.streams().stream().allMatch(stream -> {
                    StreamState state = world.quorum().state().manifests().stream(stream.streamId)
                            .orElseThrow();
                    SimPartition partition = partitions.get(stream.streamId);
                    return state.ownerId() != broker.id()
                            || (partition != null
                                    && partition.isOpen()
                                    && partition.leaderEpoch() == state.leaderEpoch());
                });
    }

    void start() {
        world.time.note(process, "starts", 0, 0);
        register();
    }

    private void register() {
        BrokerSpec spec = new BrokerSpec(
                broker.id(), incarnationId, List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092)), null);
        follower.send("register", false, controller -> controller.registerBroker(spec))
                .whenComplete((registered, error) -> {
                    if (error != null) {
                        process.after(100, "register", this::register);
                    } else if (brokerEpoch < 0) {
                        brokerEpoch = registered.brokerEpoch();
                        world.time.note(process, "is registered", brokerEpoch, 0);
                        openStorage();
                    }
                });
    }

    private void openStorage() {
        ObjectStore objects = ObjectStores.over(
                new SimDriver(world, process), new RetryPolicy(3, 50, 500), meters, process, process, random.fork());
        if (!world.lanes.contains(S3_LANE)) {
            openStreams(objects, List.of(new StorageParts.Lane(BLOCK_LANE, this::openWal)));
            return;
        }
        RecoveredRecords found = new RecoveredRecords();
        S3WalServices services = new S3WalServices(process, process, process.pool(), random.fork(), meters);
        S3Wal.open(s3Config(), objects, new SimWalRegistry(follower), new SlotObjects(4096), found, services)
                .whenComplete((opened, error) -> {
                    if (error != null) {
                        cannotOpen(FreshetException.of(error));
                        return;
                    }
                    s3Wal = opened;
                    List<StorageParts.Lane> lanes = new ArrayList<>();
                    lanes.add(new StorageParts.Lane(
                            S3_LANE,
                            visitor -> world.sabotage.wal(found.replay(opened, visitor), process, random.fork())));
                    if (world.lanes.contains(BLOCK_LANE)) {
                        lanes.add(random.below(2), new StorageParts.Lane(BLOCK_LANE, this::openWal));
                    }
                    openStreams(objects, lanes);
                });
    }

    private S3WalConfig s3Config() {
        return new S3WalConfig(
                broker.id(),
                brokerEpoch,
                new S3WalConfig.Batching(
                        (int) random.between(4096, 20_000), 5, (int) random.between(5, 100), 60, 20, 8),
                new S3WalConfig.Flight((int) random.between(1, 6), 64_000, 50, 1 << 20, 3, 1_000),
                S3_CAPACITY_BYTES,
                World.FENCE_RETENTION_MS);
    }

    private void cannotOpen(FreshetException e) {
        SimDisk disk = broker.disk();
        world.time.say(process, () -> "cannot open its WAL: " + e.getMessage());
        if (e.kind() == ErrorKind.CORRUPT && disk.hasLostWrites()) {
            world.counts.add("lost write is noticed at opening");
            disk.restore();
        } else {
            world.counts.add("WAL cannot be opened: " + e.kind());
            boolean isExpected = e.kind() == ErrorKind.UNAVAILABLE
                    || e.kind() == ErrorKind.THROTTLED
                    || e.kind() == ErrorKind.INDETERMINATE
                    || (e.kind() == ErrorKind.FENCED && isSuperseded())
                    || (e.kind() == ErrorKind.CORRUPT && world.swarm.now(world.swarm.readIsCorrupt) > 0);
            world.ledger.check(isExpected, () -> "Broker " + broker.id() + " cannot open its WAL: " + e);
        }
        broker.left(this);
    }

    /** Whether, in truth, a newer process is registered as this broker. */
    private boolean isSuperseded() {
        BrokerRegistration known = world.quorum().state().image().cluster().broker(broker.id());
        return known != null && known.epoch() > brokerEpoch;
    }

    private void openStreams(ObjectStore objects, List<StorageParts.Lane> lanes) {
        SegmentReader opened = world.sabotage.reader(
                new ObjectSegmentReader(
                        new IndexCache(objects, 1 << 20, 4096, meters),
                        new BlockCache(CACHE, objects, meters),
                        process,
                        2),
                random.fork());
        reader = opened;
        try {
            storage = StreamStorage.open(
                    config,
                    new StorageParts(
                            objects,
                            world.sabotage.metadata(follower),
                            opened,
                            lanes,
                            process,
                            process,
                            process.pool(),
                            meters,
                            broker.id(),
                            brokerEpoch));
        } catch (FreshetException e) {
            cannotOpen(e);
            return;
        }
        broker.disk().forgetLie();
        watch();
        reconcile();
    }

    private WriteAheadLog openWal(WriteAheadLog.RecoveryVisitor visitor) {
        BlockWal opened = BlockWal.openStepwise(
                new BlockWalConfig(broker.id(), brokerEpoch, 8192 << random.below(4), 1 << 20),
                broker.disk().attach(process),
                visitor,
                new BlockWal.Services(process, random.fork(), meters),
                process.thread("wal"));
        wal = opened;
        return world.sabotage.wal(opened, process, random.fork());
    }

    /** Whether, as far as is known here, a newer process is registered as this broker. */
    private boolean isReplaced() {
        BrokerRegistration known = follower.state().image().cluster().broker(broker.id());
        return known != null && known.epoch() > brokerEpoch;
    }

    private void watch() {
        BlockWal lane = wal;
        S3Wal slots = s3Wal;
        if (slots != null && slots.failure().isPresent()) {
            world.counts.add("process stops after its S3 lane was fenced");
            broker.left(this);
        } else if (lane != null && lane.failure().isPresent()) {
            world.counts.add("process stops after a device error");
            broker.left(this);
        } else if (isReplaced()) {
            if (random.chance(0.2)) {
                world.counts.add("zombie finds itself replaced");
                broker.left(this);
            } else {
                process.after(WATCH_MS, "watch", this::watch);
            }
        } else {
            reconcile();
            process.after(WATCH_MS, "watch", this::watch);
        }
    }

    /** Opens what this broker owns by its copy of the state and closes what it does not own any more. */
    private void reconcile() {
        StreamStorage open = storage;
        if (open == null || isReplaced()) {
            return;
        }
        for (Ledger.Stream stream : world.ledger.streams()) {
            StreamState state = follower.stream(stream.streamId).orElse(null);
            SimPartition present = partitions.get(stream.streamId);
            if (state == null) {
                continue;
            }
            boolean isMine = state.ownerId() == broker.id();
            if (!isMine && present != null && present.leaderEpoch() < state.leaderEpoch()) {
                present.close();
                partitions.remove(stream.streamId);
            } else if (isMine
                    && (present == null || present.isClosed() || present.leaderEpoch() < state.leaderEpoch())) {
                open(open, state);
            }
        }
    }

    private void open(StreamStorage open, StreamState state) {
        SimPartition partition = new SimPartition(world, process, state.streamId(), state.leaderEpoch());
        SimPartition former = partitions.put(state.streamId(), partition);
        if (former != null) {
            former.supersede();
        }
        open.open(state.streamId(), state.leaderEpoch(), partition).whenComplete((log, error) -> {
            if (error != null) {
                FreshetException cause = FreshetException.of(error);
                world.counts.add("open fails: " + cause.kind());
                world.time.say(process, () -> "opening stream " + state.streamId() + " fails: " + cause);
                world.ledger.check(
                        cause.kind() != ErrorKind.INTERNAL && cause.kind() != ErrorKind.INVALID,
                        () -> "Stream " + state.streamId() + " cannot be opened: " + cause);
                process.after(100, "open again", () -> partition.supersede());
                return;
            }
            partition.opened(log);
        });
    }

    /** Hands a stream over to another broker: everything uploaded first, then the quorum is asked. */
    void move(long streamId, int target) {
        SimPartition partition = partitions.get(streamId);
        if (partition == null || !partition.isOpen() || target == broker.id()) {
            return;
        }
        partition.drain();
        moveWhenDrained(partition, target);
    }

    private void moveWhenDrained(SimPartition partition, int target) {
        StreamStorage open = storage;
        if (open == null || !partition.isOpen()) {
            return;
        }
        if (!partition.isDrained()) {
            open.uploadNow();
            process.after(50, "drain", () -> moveWhenDrained(partition, target));
            return;
        }
        world.counts.add("stream is moved");
        world.quorum()
                .process()
                .after(
                        random.between(1, 20),
                        "move",
                        () -> world.quorum().order(image -> {
                            var topic = image.topics()
                                    .topicsById()
                                    .values()
                                    .iterator()
                                    .next();
                            for (Map.Entry<Integer, PartitionRegistration> entry :
                                    topic.partitions().entrySet()) {
                                long streamId = world.quorum()
                                        .state()
                                        .manifests()
                                        .streamId(topic.id(), entry.getKey())
                                        .orElseThrow();
                                if (streamId == partition.streamId()
                                        && entry.getValue().leaderEpoch == partition.leaderEpoch()) {
                                    return List.of(new ApiMessageAndVersion(
                                            new PartitionChangeRecord()
                                                    .setTopicId(topic.id())
                                                    .setPartitionId(entry.getKey())
                                                    .setReplicas(List.of(target))
                                                    .setIsr(List.of(target))
                                                    .setLeader(target),
                                            (short) 0));
                                }
                            }
                            return List.of();
                        }));
    }

    /** Stops as a process does that was asked to. */
    void closeStorage() {
        StreamStorage open = storage;
        SegmentReader openReader = reader;
        storage = null;
        if (open != null) {
            open.close();
        }
        if (openReader != null) {
            openReader.close();
        }
    }

    void die() {
        process.die();
        world.quorum().unfollow(follower);
        storage = null;
        partitions.clear();
        meters.close();
    }
}
