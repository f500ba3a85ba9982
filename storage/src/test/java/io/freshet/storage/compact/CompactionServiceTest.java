// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.cache.BlockCacheConfig;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.fake.TestOwner;
import io.freshet.storage.fake.WholeObjectReader;
import io.freshet.storage.format.EncodedObject;
import io.freshet.storage.format.ObjectEncoder;
import io.freshet.storage.format.ObjectIndex;
import io.freshet.storage.format.SegmentContent;
import io.freshet.storage.read.ObjectSegmentReader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CompactionServiceTest {
    private static final int STREAMS = 20;
    /** So little memory that objects go up in several pieces and are read in several ranges. */
    private static final CompactionConfig CONFIG = new CompactionConfig(
            1_000,
            60_000,
            64 << 20,
            1 << 20,
            3,
            CompactionConfig.Shape.defaults().dividedBy(1024, 4096));

    private final StorageFixture fixture = StorageFixture.idle(11);
    private final AtomicBoolean paused = new AtomicBoolean();

    @BeforeEach
    void start() {
        fixture.config = fixture.config.withDeletion(1_000, 10_000, 1_000, 60_000);
        fixture.start();
        for (long stream = 1; stream <= STREAMS; stream++) {
            fixture.create(stream);
        }
    }

    private void upload(int times) {
        for (int i = 0; i < times; i++) {
            for (TestOwner owner : fixture.owners.values()) {
                owner.append(2, owner.streamId() == 3 ? 3_000 : 300);
            }
            fixture.uploadNow();
        }
    }

    private List<LiveObject> objects() {
        return fixture.metadata.objects(-1, 10_000);
    }

    private double count(String meter) {
        return fixture.meters.counter("freshet.compaction." + meter).count();
    }

    private void verify() {
        for (TestOwner owner : fixture.owners.values()) {
            long start = fixture.metadata.stream(owner.streamId()).orElseThrow().startOffset();
            assertThat(fixture.readAll(owner, start, owner.endOffset(), 5_000))
                    .isEqualTo(owner.expected(start, owner.endOffset()));
        }
        for (LiveObject object : objects()) {
            ByteBuffer bytes = fixture.store.bytes(ObjectKeys.dataKey(object.objectId()));
            assertThat(bytes.remaining()).isEqualTo((int) object.sizeBytes());
            assertThat(ObjectIndex.verify(object.objectId(), bytes).segments())
                    .hasSizeGreaterThanOrEqualTo(object.liveSegments());
        }
    }

    @Test
    void manySmallObjectsBecomeFewLargeOnesWithTheSameBytes() {
        upload(60);
        assertThat(objects()).hasSize(60);
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(60_000);
        verify();
        assertThat(objects()).hasSizeLessThan(15);
        assertThat(fixture.store.keys()).as("old objects are deleted").hasSameSizeAs(objects());
        assertThat(fixture.owner(3).log().segments()).hasSizeLessThan(8);
        assertThat(count("failures")).isZero();
        fixture.owners.values().forEach(fixture::open);
        upload(60);
        fixture.sim.advance(60_000);
        verify();
        assertThat(fixture.meters
                        .get("freshet.compaction.write.amplification")
                        .gauge()
                        .value())
                .isBetween(0.5, 3.0);
    }

    @Test
    void asksForNoSizes() {
        upload(60);
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(60_000);
        assertThat(fixture.meters.counter("freshet.indexcache.opens").count()).isGreaterThanOrEqualTo(60);
        assertThat(fixture.store.stats()).as("the quorum knows all sizes").isZero();
        verify();
    }

    @Test
    void compactsStreamsThatAreNotOpen() {
        upload(60);
        fixture.storage().close();
        fixture.sim.advance(1_000);
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(60_000);
        assertThat(objects()).hasSizeLessThan(15);
        fixture.crash();
        fixture.restart();
        verify();
    }

    @Test
    void joinsSmallBlocks() {
        upload(40);
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(10_000);
        LiveObject largest = objects().stream()
                .filter(object -> object.liveSegments() > 1)
                .max((a, b) -> Long.compare(a.sizeBytes(), b.sizeBytes()))
                .orElseThrow();
        ObjectIndex index =
                ObjectIndex.verify(largest.objectId(), fixture.store.bytes(ObjectKeys.dataKey(largest.objectId())));
        long dataBytes =
                index.blocks().stream().mapToLong(block -> block.dataBytes()).sum();
        assertThat(dataBytes / index.blocks().size()).as("average block").isGreaterThan(2_000);
    }

    @Test
    void aReaderWithAnOldManifestFindsTheNewObject() {
        fixture.reader.close();
        ObjectSegmentReader reader = new ObjectSegmentReader(
                new IndexCache(fixture.store, 1 << 20, 4096, fixture.meters),
                new BlockCache(BlockCacheConfig.ofCapacity(8 << 20), fixture.store, fixture.meters),
                fixture.sim,
                0);
        upload(60);
        fixture.reader = reader;
        fixture.crash();
        fixture.restart();
        TestOwner owner = fixture.owner(5);
        for (TestOwner each : fixture.owners.values()) {
            assertThat(fixture.readAll(each, 0, 3, 100)).isNotEmpty();
        }
        long middle = owner.endOffset() / 2;
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(120_000);
        assertThat(fixture.readAll(owner, middle, owner.endOffset(), 5_000))
                .isEqualTo(owner.expected(middle, owner.endOffset()));
        assertThat(fixture.meters.counter("freshet.storage.read.reloads").count())
                .as("looks into the manifest after an old object had gone")
                .isPositive();
        verify();
    }

    @Test
    void waitsWhileAnotherBrokerHasTheLease() {
        upload(60);
        fixture.sim.await(fixture.metadata.lease(CompactionService.JOB, 99, 1, 30_000));
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(29_000);
        assertThat(objects()).hasSize(60);
        fixture.sim.advance(30_000);
        assertThat(objects()).hasSizeLessThan(15);
    }

    @Test
    void pausesWhileTheTailIsOverloaded() {
        upload(60);
        paused.set(true);
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(30_000);
        assertThat(objects()).hasSize(60);
        paused.set(false);
        fixture.sim.advance(30_000);
        assertThat(objects()).hasSizeLessThan(15);
    }

    @Test
    void readsNoFasterThanAllowed() {
        upload(60);
        long bytes = objects().stream().mapToLong(LiveObject::sizeBytes).sum();
        fixture.compaction(CONFIG.withPace(1_000, bytes / 30), paused::get);
        fixture.sim.advance(10_000);
        assertThat(count("bytes.rewritten")).isLessThan(bytes / 2.0);
        fixture.sim.advance(60_000);
        assertThat(objects()).hasSizeLessThan(15);
    }

    @Test
    void rewritesNoMoreThanItsBudget() {
        upload(60);
        long bytes = fixture.owners.values().stream()
                .flatMap(owner -> owner.log().segments().stream())
                .mapToLong(StreamSegment::sizeBytes)
                .sum();
        fixture.compaction(CONFIG.withMaxWriteAmplification(0.5), paused::get);
        fixture.sim.advance(60_000);
        assertThat(count("bytes.rewritten")).isBetween(1.0, bytes / 2.0);
        verify();
    }

    @Test
    void leavesADamagedObjectAloneAndCompactsTheOthers() {
        upload(60);
        LiveObject damaged = objects().get(10);
        ByteBuffer bytes = fixture.store.bytes(ObjectKeys.dataKey(damaged.objectId()));
        bytes.put(500, (byte) (bytes.get(500) ^ 1));
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(60_000);
        assertThat(objects())
                .hasSizeLessThan(30)
                .extracting(LiveObject::objectId)
                .contains(damaged.objectId());
        assertThat(count("corrupt.inputs")).isPositive();
        assertThat(fixture.store.keys()).contains(ObjectKeys.dataKey(damaged.objectId()));
        bytes.put(500, (byte) (bytes.get(500) ^ 1));
        verify();
    }

    @Test
    void whatWasTrimmedMeanwhileIsRefusedAndTheRestStands() {
        upload(60);
        fixture.metadata.transport(new MemoryStreamMetadata.Transport() {
            @Override
            public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
                if (name.equals("replace")) {
                    TestOwner owner = fixture.owner(2);
                    fixture.metadata.transport(DIRECT);
                    fixture.metadata.trimStream(2, owner.log().leaderEpoch(), owner.endOffset() - 1);
                }
                return DIRECT.send(name, command);
            }
        });
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(60_000);
        assertThat(count("refused.streams")).isPositive();
        assertThat(objects()).hasSizeLessThan(15);
        verify();
    }

    private static final MemoryStreamMetadata.Transport DIRECT = new MemoryStreamMetadata.Transport() {
        @Override
        public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
            try {
                return CompletableFuture.completedFuture(command.get());
            } catch (FreshetException e) {
                return CompletableFuture.failedFuture(e);
            }
        }
    };

    /** The quorum's answers fail before or after they took effect: nothing is lost, and what is left over is swept. */
    @Test
    void lostAnswersOfTheQuorumDoNoHarm() {
        upload(60);
        int[] calls = {0};
        fixture.metadata.transport(new MemoryStreamMetadata.Transport() {
            @Override
            public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
                int call = calls[0]++;
                if (call % 3 == 0) {
                    return CompletableFuture.failedFuture(new FreshetException(ErrorKind.UNAVAILABLE, name));
                }
                CompletableFuture<T> done = DIRECT.send(name, command);
                return call % 3 == 1
                        ? CompletableFuture.failedFuture(new FreshetException(ErrorKind.INDETERMINATE, name))
                        : done;
            }
        });
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(120_000);
        fixture.metadata.transport(DIRECT);
        fixture.sim.advance(200_000);
        verify();
        assertThat(objects()).hasSizeLessThan(15);
        List<String> reachable = new ArrayList<>();
        objects().forEach(object -> reachable.add(ObjectKeys.dataKey(object.objectId())));
        assertThat(fixture.store.keys()).containsExactlyInAnyOrderElementsOf(reachable);
    }

    @Test
    void stopsWhenClosed() {
        upload(60);
        CompactionService service = fixture.compaction(CONFIG.withPace(1_000, 50_000), paused::get);
        fixture.sim.advance(3_000);
        service.close();
        fixture.sim.advance(5_000);
        assertThat(service.idle()).isDone();
        int left = objects().size();
        fixture.sim.advance(60_000);
        assertThat(objects()).hasSize(left);
        verify();
    }

    @Test
    void deletedStreamsLeaveTheirBundles() {
        upload(60);
        for (long stream = 4; stream <= STREAMS; stream++) {
            fixture.metadata.deleteStream(stream);
            fixture.owner(stream).log().close(true);
            fixture.owners.remove(stream);
        }
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(120_000);
        verify();
        long live = fixture.owners.values().stream()
                .flatMap(owner -> owner.log().segments().stream())
                .mapToLong(StreamSegment::sizeBytes)
                .sum();
        assertThat(objects().stream().mapToLong(LiveObject::sizeBytes).sum()).isLessThan(2 * live);
    }

    /** Offsets of one segment may be further apart than an int can say. */
    @Test
    void segmentsOfHugeOffsetRangesKeepEveryBatch() {
        fixture.metadata.createStream(500, StorageFixture.BROKER_ID, 1);
        List<ByteBuffer> batches = new ArrayList<>();
        long range = 3L * Integer.MAX_VALUE;
        for (int i = 0; i < 40; i++) {
            long start = i * range;
            ByteBuffer first = TestBatches.batch(start, 3, 1_000, 200, fixture.random);
            ByteBuffer last = TestBatches.batch(start + range - 5, 5, 2_000, 200, fixture.random);
            batches.add(first);
            batches.add(last);
            ObjectEncoder encoder = new ObjectEncoder(9_000 + i, StorageFixture.BROKER_ID, 4096);
            encoder.add(new SegmentContent(
                    500,
                    start,
                    start + range,
                    List.of(SharedBytes.unpooled(first), SharedBytes.unpooled(last)),
                    new SegmentCheckpoint(start + range, List.of(), new byte[0], List.of())));
            EncodedObject object = encoder.finish();
            fixture.store.put(ObjectKeys.dataKey(object.objectId()), object.body());
            fixture.sim.await(fixture.metadata.commitObject(new ObjectCommit(
                    object.objectId(),
                    object.sizeBytes(),
                    StorageFixture.BROKER_ID,
                    100,
                    List.of(new SegmentCommit(object.segments().get(0), 1)))));
        }
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(60_000);
        List<StreamSegment> segments = fixture.metadata.segments(500, 0, 100);
        assertThat(segments).hasSizeLessThan(10);
        assertThat(segments.get(segments.size() - 1).endOffset()).isEqualTo(40 * range);
        List<ByteBuffer> found = new ArrayList<>();
        for (StreamSegment segment : segments) {
            found.addAll(TestBatches.take(new WholeObjectReader(fixture.store)
                    .read(segment, segment.startOffset(), Integer.MAX_VALUE, Long.MAX_VALUE, true)
                    .join()));
        }
        assertThat(found).isEqualTo(batches);
    }

    @Test
    void aPlanThatTheQuorumCallsInvalidDoesNotHoldUpOthers() {
        upload(60);
        int[] replaces = {0};
        fixture.metadata.transport(new MemoryStreamMetadata.Transport() {
            @Override
            public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
                return name.equals("replace") && replaces[0]++ == 0
                        ? CompletableFuture.failedFuture(new FreshetException(ErrorKind.INVALID, "on purpose"))
                        : DIRECT.send(name, command);
            }
        });
        fixture.compaction(CONFIG, paused::get);
        fixture.sim.advance(60_000);
        assertThat(count("objects.written")).isPositive();
        verify();
    }
}
