// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.storage.cache.BlockCache;
import io.freshet.storage.cache.BlockCacheConfig;
import io.freshet.storage.cache.IndexCache;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestBatches;
import io.freshet.storage.fake.TestOwner;
import io.freshet.storage.format.BatchHeader;
import io.freshet.storage.read.ObjectSegmentReader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Segments lose batches; what is left is found from every offset. */
class StreamRewriterTest {
    private static final long STREAM = 1;

    private final StorageFixture fixture = StorageFixture.idle(5);
    private TestOwner owner;
    private StreamRewriter rewriter;

    @BeforeEach
    void start() {
        fixture.reader = new ObjectSegmentReader(
                new IndexCache(fixture.store, 1 << 20, 4096, fixture.meters),
                new BlockCache(BlockCacheConfig.ofCapacity(8 << 20), fixture.store, fixture.meters),
                fixture.sim,
                0);
        fixture.start();
        owner = fixture.create(STREAM);
        for (int segment = 0; segment < 6; segment++) {
            for (int batch = 0; batch < 10; batch++) {
                owner.append(1, 900);
            }
            fixture.uploadNow();
        }
        rewriter = fixture.rewriter(CompactionConfig.defaults());
    }

    /** Keeps the batches whose base offset {@code isKept} accepts. */
    private static BatchTransform keeping(LongPredicate isKept) {
        return new BatchTransform() {
            @Override
            public ByteBuffer apply(ByteBuffer batches) {
                List<ByteBuffer> kept = new ArrayList<>();
                ByteBuffer view = batches.slice();
                for (int at = 0; at < view.limit(); at += BatchHeader.sizeBytes(view, at)) {
                    if (isKept.test(BatchHeader.baseOffset(view, at))) {
                        kept.add(view.slice(at, BatchHeader.sizeBytes(view, at)));
                    }
                }
                return TestBatches.concat(kept);
            }

            @Override
            public SegmentCheckpoint checkpoint(SegmentCheckpoint merged) {
                return merged;
            }

            @Override
            public boolean changesBatches() {
                return true;
            }
        };
    }

    private void rewrite(int from, int to, LongPredicate isKept) {
        List<StreamSegment> segments = owner.log().segments().subList(from, to);
        assertThat(fixture.sim.await(rewriter.rewrite(segments, keeping(isKept))))
                .isTrue();
        owner.log().segmentsReplaced(segments.get(segments.size() - 1).endOffset());
    }

    private void checkReads(LongPredicate isKept) {
        List<ByteBuffer> left = owner.batches().stream()
                .filter(batch -> isKept.test(BatchHeader.baseOffset(batch, 0)))
                .toList();
        for (long offset = 0; offset < owner.endOffset(); offset++) {
            long from = offset;
            Optional<ByteBuffer> next = left.stream()
                    .filter(batch -> BatchHeader.endOffset(batch, 0) > from)
                    .findFirst();
            StreamRead read = fixture.sim.await(owner.log().read(offset, 1, owner.endOffset(), true));
            if (next.isEmpty()) {
                assertThat(read.batches()).isEmpty();
                assertThat(read.endOffset()).isEqualTo(owner.endOffset());
                continue;
            }
            assertThat(TestBatches.take(read)).as("from %d on", offset).containsExactly(next.get());
            long timestampMs = BatchHeader.maxTimestampMs(next.get(), 0);
            assertThat(fixture.sim.await(owner.log().batchAtOrAfterTimestamp(timestampMs, owner.endOffset())))
                    .contains(BatchHeader.baseOffset(next.get(), 0));
        }
    }

    @Test
    void eachInputCostsOneReadForItsIndexAndOneForItsBlocks() {
        int reads = fixture.store.reads();
        int stats = fixture.store.stats();
        rewrite(0, 6, offset -> true);
        assertThat(fixture.store.reads() - reads).isEqualTo(2 * 6);
        assertThat(fixture.store.stats() - stats).isZero();
    }

    @Test
    void aSizeThatTheQuorumHasWrongIsAskedFor() {
        StreamSegment segment = owner.log().segments().get(0);
        String key = ObjectKeys.dataKey(segment.objectId());
        IndexCache indexes = new IndexCache(
                fixture.store,
                1 << 20,
                4096,
                id -> OptionalLong.of(fixture.store.bytes(key).remaining() - 5),
                fixture.meters);
        int stats = fixture.store.stats();
        assertThat(fixture.sim.await(indexes.open(segment.objectId())).segments())
                .hasSize(1);
        assertThat(fixture.store.stats() - stats).isEqualTo(1);
    }

    @Test
    void readsPassOverHolesOfAllSizes() {
        List<StreamSegment> old = owner.log().segments();
        LongPredicate isKept = offset -> offset < 10 || (offset > old.get(3).startOffset() + 5 && offset % 2 == 0);
        rewrite(0, 2, isKept);
        rewrite(1, 2, isKept);
        rewrite(2, 3, isKept);
        rewrite(3, 5, isKept);
        assertThat(owner.log().segments()).anyMatch(segment -> segment.sizeBytes() == 0);
        checkReads(isKept);
        fixture.crash();
        fixture.restart();
        owner = fixture.owner(STREAM);
        checkReads(isKept);
    }

    @Test
    void anEmptiedEndSaysWhereToGoOn() {
        LongPredicate isKept = offset -> offset < 25;
        rewrite(0, 6, isKept);
        checkReads(isKept);
        long end = owner.endOffset();
        owner.append(1, 100);
        StreamRead read = fixture.sim.await(owner.log().read(end - 1, 1, owner.endOffset(), true));
        assertThat(read.startOffset()).isEqualTo(end);
        read.release();
    }

    @Test
    void aReadThatIsTooSmallIsNotTakenForAHole() {
        long kept = BatchHeader.baseOffset(owner.batches().get(20), 0);
        rewrite(0, 6, offset -> offset == kept);
        StreamRead read = fixture.sim.await(owner.log().read(0, 10, owner.endOffset(), false));
        assertThat(read).isEqualTo(StreamRead.EMPTY);
        checkReads(offset -> offset == kept);
    }

    @Test
    void segmentsThatChangedMeanwhileAreRefused() {
        List<StreamSegment> old = owner.log().segments();
        rewrite(0, 6, offset -> offset % 2 == 0);
        assertThat(fixture.sim.await(rewriter.rewrite(old, keeping(offset -> true))))
                .isFalse();
        checkReads(offset -> offset % 2 == 0);
    }
}
