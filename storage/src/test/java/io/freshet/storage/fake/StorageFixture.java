// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;
import io.freshet.storage.StreamLog;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.StreamStorage;
import io.freshet.storage.compact.CompactionConfig;
import io.freshet.storage.compact.CompactionParts;
import io.freshet.storage.compact.CompactionService;
import io.freshet.storage.compact.StreamRewriter;
import io.freshet.storage.read.SegmentReader;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A broker's storage with everything around it in memory and in virtual time; can crash and come back. */
public final class StorageFixture {
    public static final int BROKER_ID = 7;
    private static final long MIB = 1 << 20;

    public final TestObjectStore store;
    public final MemoryStreamMetadata metadata;
    /** What the lanes are on; the first is the default lane's. */
    public final List<FakeWal.Device> devices = new ArrayList<>();

    public final FakeWal.Device device;
    public final ByteLedger ledger = new ByteLedger();
    public final Random random;
    public final Map<Long, TestOwner> owners = new TreeMap<>();
    public StorageConfig config;
    public boolean immediateWal = true;
    public boolean flushesByItself;
    /** How many times a failed lane cannot be opened again before it can; below 0: lanes stay failed. */
    public int failingReopens = -1;

    public SimpleMeterRegistry meters = new SimpleMeterRegistry();
    public SimRuntime sim;
    public SegmentReader reader;
    /** The store as the broker sees it: the plain one unless a test puts something in between. */
    public ObjectStore seenStore;

    private long brokerEpoch;
    private @Nullable StreamStorage storage;
    private final List<FakeWal> wals = new ArrayList<>();

    public StorageFixture(long seed, StorageConfig config, long walCapacityBytes) {
        this.random = new Random(seed);
        this.config = config;
        this.sim = new SimRuntime(1_000_000);
        var clock = new io.freshet.common.runtime.Clock() {
            @Override
            public long wallMs() {
                return sim.wallMs();
            }

            @Override
            public long nanoTime() {
                return sim.nanoTime();
            }
        };
        this.store = new TestObjectStore(clock);
        this.seenStore = store;
        this.metadata = new MemoryStreamMetadata(clock);
        this.device = new FakeWal.Device(walCapacityBytes);
        devices.add(device);
        this.reader = new WholeObjectReader(store);
    }

    /** 16 MiB of tail and of WAL, uploads only when wished. */
    public static StorageFixture idle(long seed) {
        return new StorageFixture(
                seed,
                StorageConfig.defaults()
                        .withUpload(64 * MIB, 3_600_000)
                        .withTailCacheBytes(16 * MIB)
                        .withObjects(64 * MIB, 8 * MIB, 4096),
                16 * MIB);
    }

    public StreamStorage storage() {
        return Objects.requireNonNull(storage);
    }

    public FakeWal wal() {
        return wals.get(0);
    }

    /** The lane of this index, named {@link #laneName}. */
    public FakeWal wal(int lane) {
        return wals.get(lane);
    }

    public static String laneName(int lane) {
        return "lane" + lane;
    }

    private List<StorageParts.Lane> lanes() {
        wals.clear();
        List<StorageParts.Lane> lanes = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            FakeWal.Device of = devices.get(i);
            int index = i;
            lanes.add(new StorageParts.Lane(
                    laneName(i),
                    visitor -> {
                        FakeWal opened = new FakeWal(of, immediateWal, visitor);
                        wals.add(opened);
                        return opened;
                    },
                    failingReopens < 0 ? Optional.empty() : Optional.of(() -> reopen(of, index))));
        }
        return lanes;
    }

    private FakeWal reopen(FakeWal.Device of, int index) {
        if (failingReopens > 0) {
            failingReopens--;
            throw new FreshetException(ErrorKind.UNAVAILABLE, "The device is still gone");
        }
        of.restart();
        FakeWal opened =
                new FakeWal(of, immediateWal, (lsn, streamId, leaderEpoch, baseOffset, endOffset, payload) -> {});
        wals.set(index, opened);
        return opened;
    }

    public TestOwner owner(long streamId) {
        return owners.get(streamId);
    }

    public StorageParts parts() {
        return new StorageParts(
                seenStore, metadata, reader, lanes(), sim, sim, sim.executor(), meters, BROKER_ID, brokerEpoch);
    }

    /** As {@link #crash()}, when each lane's device has written some more than anyone was told of. */
    public void crashInFlight() {
        wals.forEach(wal -> wal.writeUnacknowledged(random.nextInt(6)));
        crash();
    }

    /** Registers as a new process and opens the storage, without any stream. */
    public StreamStorage start() {
        brokerEpoch++;
        metadata.registerBroker(BROKER_ID, brokerEpoch);
        storage = StreamStorage.open(config, parts());
        if (!immediateWal && flushesByItself) {
            for (FakeWal wal : List.copyOf(wals)) {
                sim.scheduleRepeatedly(3, () -> wal.flush(random.nextInt(6)));
            }
        }
        return storage;
    }

    /** Makes a stream and opens it. */
    public TestOwner create(long streamId) {
        metadata.createStream(streamId, BROKER_ID, 1);
        TestOwner owner = new TestOwner(streamId, ledger, random);
        owners.put(streamId, owner);
        open(owner);
        return owner;
    }

    /** Opens the owner's stream under a new leader epoch and checks what is found against the model. */
    public StreamLog open(TestOwner owner) {
        int leaderEpoch = metadata.moveStream(owner.streamId(), BROKER_ID);
        StreamLog log = sim.await(storage().open(owner.streamId(), leaderEpoch, owner));
        owner.opened(log);
        return log;
    }

    /** Starts compaction beside the storage; {@code isPaused} is asked before each read. */
    public CompactionService compaction(CompactionConfig compactionConfig, BooleanSupplier isPaused) {
        return new CompactionService(compactionConfig, compactionParts(isPaused), ByteBuffer::allocate);
    }

    /** What rewrites segments of single streams. */
    public StreamRewriter rewriter(CompactionConfig compactionConfig) {
        return new StreamRewriter(compactionConfig, compactionParts(() -> false));
    }

    private CompactionParts compactionParts(BooleanSupplier isPaused) {
        return new CompactionParts(
                seenStore,
                metadata,
                metadata,
                sim,
                sim,
                random::nextLong,
                sim.executor(),
                meters,
                isPaused,
                config.orphanGraceMs(),
                BROKER_ID,
                brokerEpoch);
    }

    /** The process dies: whatever was under way never happens. Its memory is gone. */
    public void crash() {
        sim = new SimRuntime(sim.wallMs() + 1000);
        storage = null;
        meters = new SimpleMeterRegistry();
        ledger.reset();
    }

    /** Starts again and opens all streams. */
    public void restart() {
        start();
        for (TestOwner owner : owners.values()) {
            open(owner);
        }
    }

    public void uploadNow() {
        sim.await(storage().uploadNow());
    }

    /** Reads all of {@code [offset, endOffset)} in pieces. */
    public List<ByteBuffer> readAll(TestOwner owner, long offset, long endOffset, int maxBytes) {
        List<ByteBuffer> found = new ArrayList<>();
        long next = offset;
        while (next < endOffset) {
            StreamRead read = sim.await(owner.log().read(next, maxBytes, endOffset, true));
            if (read.batches().isEmpty()) {
                throw new AssertionError("Nothing to read at " + next + " of stream " + owner.streamId());
            }
            next = read.endOffset();
            found.addAll(TestBatches.take(read));
        }
        return found;
    }

    /** The sum of all pieces of {@code read}. */
    public static int sizeBytes(StreamRead read) {
        return read.batches().stream().mapToInt(SharedBytes::sizeBytes).sum();
    }
}
