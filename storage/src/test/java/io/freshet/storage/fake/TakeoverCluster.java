// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;
import io.freshet.storage.StreamLog;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.StreamStorage;
import io.freshet.storage.format.SlotObjects;
import io.freshet.wal.s3.S3Wal;
import io.freshet.wal.s3.S3WalConfig;
import io.freshet.wal.s3.S3WalServices;
import io.freshet.wal.s3.SealedWals;
import io.freshet.wal.s3.WalReclaim;
import io.freshet.wal.s3.WalRegistry;
import io.freshet.wal.s3.WalSealer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** Several brokers with S3 lanes over one store and one quorum, in one virtual time. */
public final class TakeoverCluster {
    public static final long FENCE_RETENTION_MS = 10_000;
    private static final long MIB = 1 << 20;

    public final SimRuntime sim = new SimRuntime(1_000_000);
    public final TestObjectStore store = new TestObjectStore(sim);
    public final MemoryStreamMetadata metadata = new MemoryStreamMetadata(sim);
    public final WalQuorum quorum = new WalQuorum(metadata);
    public final ByteLedger ledger = new ByteLedger();
    public final Random random;
    public final Map<Long, TestOwner> owners = new TreeMap<>();
    public long laneBytes = 16 * MIB;
    /** Whether brokers run a second lane on a device of their own, called block. */
    public boolean hasBlockLanes;

    private final Map<Integer, FakeWal.Device> devices = new TreeMap<>();
    public StorageConfig config = StorageConfig.defaults()
            .withUpload(64 * MIB, 3_600_000)
            .withTailCacheBytes(20 * MIB)
            .withObjects(64 * MIB, 8 * MIB, 4096);

    public TakeoverCluster(long seed) {
        random = new Random(seed);
    }

    /** A broker process that has registered and opened its lane, with {@code kill} between it and the rest. */
    public Broker start(int brokerId, KillSwitch kill) {
        Broker broker = new Broker(brokerId, kill);
        broker.open();
        return broker;
    }

    public Broker start(int brokerId) {
        return start(brokerId, new KillSwitch());
    }

    /** Makes a stream and opens it on the broker. */
    public TestOwner create(long streamId, Broker broker) {
        metadata.createStream(streamId, broker.id, 1);
        TestOwner owner = new TestOwner(streamId, ledger, random);
        owners.put(streamId, owner);
        broker.take(owner);
        return owner;
    }

    /** Reads all that the owner's model has through its handle and compares. */
    public void verify(TestOwner owner) {
        long start = metadata.stream(owner.streamId()).orElseThrow().startOffset();
        List<ByteBuffer> found = new ArrayList<>();
        long next = start;
        while (next < owner.endOffset()) {
            StreamRead read = sim.await(owner.log().read(next, 10_000, owner.endOffset(), true));
            if (read.batches().isEmpty()) {
                throw new AssertionError("Nothing to read at " + next + " of stream " + owner.streamId());
            }
            next = read.endOffset();
            found.addAll(TestBatches.take(read));
        }
        if (!found.equals(owner.expected(start, owner.endOffset()))) {
            throw new AssertionError("Stream " + owner.streamId() + " reads otherwise than it was written");
        }
    }

    /** One broker process. */
    public final class Broker {
        public final int id;
        public final long epoch;
        public final SimHost host = new SimHost(sim);
        public final SimpleMeterRegistry meters = new SimpleMeterRegistry();
        private final KillSwitch kill;
        private final S3WalServices services = new S3WalServices(sim, host, host.executor(), random::nextLong, meters);
        private final WalRegistry registry;
        private final SlotObjects slots = new SlotObjects(4096);
        private final CompletableFuture<S3Wal> lane;
        private StreamStorage storage;

        Broker(int id, KillSwitch kill) {
            this.id = id;
            this.kill = kill;
            this.epoch = quorum.register(id);
            metadata.registerBroker(id, epoch);
            this.registry = quorum.client(kill);
            this.lane = S3Wal.openSealing(s3Config(), kill.guard(store), registry, slots, services);
        }

        private S3WalConfig s3Config() {
            S3WalConfig defaults = S3WalConfig.of(id, epoch);
            S3WalConfig.Batching batching = defaults.batching();
            return new S3WalConfig(
                    id,
                    epoch,
                    new S3WalConfig.Batching(
                            1 << 20,
                            batching.minAgeMs(),
                            batching.maxAgeMs(),
                            batching.latencyTargetMs(),
                            batching.putsPerSecond(),
                            batching.putBurst()),
                    defaults.flight(),
                    laneBytes,
                    FENCE_RETENTION_MS);
        }

        void open() {
            S3Wal wal = sim.await(lane);
            SealedWals sealed =
                    new SealedWals(SealedWals.Bounds.DEFAULT, kill.guard(store), quorum, registry, slots, services);
            storage = StreamStorage.open(
                    config,
                    new StorageParts(
                            kill.guard(store),
                            metadata,
                            new WholeObjectReader(store),
                            lanes(wal),
                            Optional.of(sealed),
                            sim,
                            host,
                            host.executor(),
                            meters,
                            id,
                            epoch));
            new WalSealer(
                    new WalSealer.Config(id, 250, 1_000, 30_000),
                    quorum,
                    quorum,
                    kill.guard(store),
                    registry,
                    slots,
                    services);
            new WalReclaim(
                    new WalReclaim.Config(1_000, FENCE_RETENTION_MS),
                    new WalReclaim.Parts(
                            kill.guard(store),
                            quorum,
                            registry,
                            streamId -> metadata.stream(streamId)
                                    .map(state -> OptionalLong.of(state.endOffset()))
                                    .orElse(OptionalLong.empty()),
                            (job, durationMs) -> metadata.lease(job, id, epoch, durationMs)),
                    services);
        }

        private List<StorageParts.Lane> lanes(S3Wal wal) {
            List<StorageParts.Lane> lanes = new ArrayList<>();
            lanes.add(new StorageParts.Lane("s3", visitor -> wal));
            if (hasBlockLanes) {
                FakeWal.Device device = devices.computeIfAbsent(id, any -> new FakeWal.Device(4 * MIB));
                lanes.add(new StorageParts.Lane("block", visitor -> new FakeWal(device, true, visitor)));
            }
            return lanes;
        }

        public StreamStorage storage() {
            return storage;
        }

        /** Gives the stream to this broker and opens it, without looking at what comes of it. */
        public CompletableFuture<StreamLog> opening(TestOwner owner) {
            return storage.open(owner.streamId(), metadata.moveStream(owner.streamId(), id), owner);
        }

        /** Gives the stream to this broker and opens it; what is found is checked against the model. */
        public void take(TestOwner owner) {
            owner.opened(sim.await(opening(owner)));
        }

        public void upload() {
            sim.await(storage.uploadNow());
        }

        /** The process dies, and the quorum comes to know it. */
        public void die() {
            host.kill();
            quorum.fence(id);
        }

        public boolean isAllSealed() {
            return quorum.wals().stream()
                    .filter(wal -> wal.brokerId() == id)
                    .allMatch(io.freshet.common.stream.WalState::isSealed);
        }
    }
}
