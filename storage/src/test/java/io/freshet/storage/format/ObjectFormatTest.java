// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ObjectFormatTest {
    private static final long OBJECT_ID = 0x1234_5678_9ABCL;

    private static ByteBuffer sample() {
        Random random = new Random(1);
        return SampleBatches.join(SampleBatches.object(
                OBJECT_ID,
                4096,
                List.of(
                        SampleBatches.segment(random, 3, 10, 6, 1500),
                        SampleBatches.segment(random, 9, 1L << 40, 4, 1500))));
    }

    private static void assertCorrupt(ByteBuffer object, String what) {
        try {
            ObjectIndex.verify(OBJECT_ID, object);
        } catch (FreshetException e) {
            assertThat(e.kind()).as(what).isEqualTo(ErrorKind.CORRUPT);
            assertThat(e).hasMessageContaining("Object " + OBJECT_ID).hasMessageContaining("position");
            return;
        }
        throw new AssertionError(what + " went unnoticed");
    }

    @Test
    void everySingleBitFlipIsDetected() {
        ByteBuffer object = sample();
        ObjectIndex.verify(OBJECT_ID, object);
        for (int i = 0; i < object.limit(); i++) {
            for (int bit = 0; bit < 8; bit++) {
                byte intact = object.get(i);
                object.put(i, (byte) (intact ^ (1 << bit)));
                assertCorrupt(object, "Flip of bit " + bit + " of byte " + i);
                object.put(i, intact);
            }
        }
    }

    @Test
    void everyTruncationIsDetected() {
        ByteBuffer object = sample();
        for (int length = 0; length < object.limit(); length++) {
            assertCorrupt(object.slice(0, length), "Truncation to " + length);
        }
    }

    @Test
    void damagedBlockIsNamed() {
        ByteBuffer object = sample();
        ObjectIndex index = ObjectIndex.verify(OBJECT_ID, object);
        BlockEntry second = index.blocks().get(1);
        int at = (int) second.position() + 100;
        object.put(at, (byte) (object.get(at) + 1));
        assertThatThrownBy(() -> ObjectIndex.verify(OBJECT_ID, object))
                .hasMessageContaining("Object " + OBJECT_ID)
                .hasMessageContaining("block 1 at position " + second.position())
                .hasMessageContaining("offsets " + second.baseOffset() + " to " + second.endOffset());
    }

    @Property(tries = 300)
    void anyBytesGiveCorruptAndNothingElse(@ForAll long seed, @ForAll @IntRange(max = 600) int size) {
        Random random = new Random(seed);
        byte[] noise = new byte[size];
        random.nextBytes(noise);
        assertCorrupt(ByteBuffer.wrap(noise), "Noise");
    }

    /** Damage with its checksums made good again: only the plausibility checks are left to notice it. */
    @Property(tries = 500)
    void forgedTailsNeverGiveAnythingButCorrupt(@ForAll long seed) {
        Random random = new Random(seed);
        ByteBuffer object = sample();
        ObjectFooter footer = ObjectFooter.decode(OBJECT_ID, object.limit(), object);
        int tailStart = (int) footer.trailersPosition();
        int flips = 1 + random.nextInt(3);
        for (int i = 0; i < flips; i++) {
            int at = tailStart + random.nextInt(object.limit() - 12 - tailStart);
            object.put(at, (byte) (random.nextBoolean() ? random.nextInt() : 0xFF));
        }
        forgeChecksums(object, footer);
        try {
            ObjectIndex index = ObjectIndex.decode(OBJECT_ID, object.limit(), object);
            assertThat(index.blocks()).hasSize(footer.blockCount());
        } catch (FreshetException e) {
            assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT);
        }
    }

    private static void forgeChecksums(ByteBuffer object, ObjectFooter footer) {
        int footerStart = object.limit() - ObjectFormat.FOOTER_BYTES;
        int trailers = (int) footer.trailersPosition();
        int index = (int) footer.indexPosition();
        object.putInt(footerStart + 48, ObjectFormat.crc(object, trailers, index - trailers));
        object.putInt(footerStart + 52, ObjectFormat.crc(object, index, footerStart - index));
        object.putInt(footerStart + 56, ObjectFormat.crc(object, footerStart, 56));
    }

    @Property(tries = 200)
    void segmentsComeBackAsTheyWere(
            @ForAll long seed,
            @ForAll @IntRange(max = 6) int streams,
            @ForAll @IntRange(min = 62, max = 9000) int max) {
        Random random = new Random(seed);
        List<SegmentContent> contents = new ArrayList<>();
        long streamId = -1;
        for (int i = 0; i < streams; i++) {
            streamId += 1 + random.nextInt(1000);
            long start = random.nextLong() >>> (1 + random.nextInt(60)) >>> 1;
            for (int k = random.nextInt(3); k >= 0; k--) {
                SegmentContent content = SampleBatches.segment(random, streamId, start, 1 + random.nextInt(12), max);
                contents.add(content);
                start = content.endOffset() + random.nextInt(5);
            }
        }
        EncodedObject object = SampleBatches.object(OBJECT_ID, 4096, contents);
        ByteBuffer whole = SampleBatches.join(object);
        ObjectIndex index = ObjectIndex.verify(OBJECT_ID, whole);
        assertThat(index.segments()).hasSize(contents.size());
        for (int i = 0; i < contents.size(); i++) {
            assertSame(contents.get(i), index, i, whole);
            assertThat(index.segments().get(i).segment())
                    .isEqualTo(object.segments().get(i));
        }
    }

    private static void assertSame(SegmentContent content, ObjectIndex index, int i, ByteBuffer whole) {
        SegmentTrailer trailer = index.segments().get(i);
        assertThat(trailer.segment().streamId()).isEqualTo(content.streamId());
        assertThat(trailer.segment().startOffset()).isEqualTo(content.startOffset());
        assertThat(trailer.segment().endOffset()).isEqualTo(content.endOffset());
        assertThat(trailer.segment().minTimestampMs()).isEqualTo(1000 + content.startOffset());
        assertThat(trailer.segment().maxTimestampMs()).isEqualTo(999 + content.endOffset());
        assertThat(trailer.checkpoint()).usingRecursiveComparison().isEqualTo(content.checkpoint());
        byte[] bytes = SampleBatches.bytes(content);
        ByteBuffer joined = ByteBuffer.allocate(bytes.length);
        for (BlockEntry block : index.blocks().subList(trailer.firstBlock(), trailer.endBlock())) {
            joined.put(whole.slice((int) block.position() + ObjectFormat.BLOCK_HEADER_BYTES, block.dataBytes()));
        }
        assertThat(joined.array()).isEqualTo(bytes);
        assertThat(index.segment(content.streamId(), content.endOffset() - 1)).contains(trailer);
    }

    @Test
    void blocksHoldToTheirTargetUnlessOneBatchIsLarger() {
        Random random = new Random(5);
        ByteBuffer large = SampleBatches.batch(random, 1000, 5, 9000, 5000);
        List<SharedBytes> batches = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            batches.add(SharedBytes.unpooled(SampleBatches.batch(random, i * 10L, 10, 700, 1000)));
        }
        batches.add(SharedBytes.unpooled(large));
        SegmentContent content = new SegmentContent(1, 0, 1005, batches, SampleBatches.checkpoint(random, 1005));
        ObjectIndex index = ObjectIndex.verify(
                OBJECT_ID, SampleBatches.join(SampleBatches.object(OBJECT_ID, 4096, List.of(content))));
        assertThat(index.blocks()).extracting(BlockEntry::sizeBytes).containsExactly(3532, 3532, 3532, 3532, 9032);
        assertThat(index.blocks().get(4).recordCount()).isEqualTo(5);
    }

    @Test
    void bodyRefersToTheBatchesInPlace() {
        ByteBuffer batch = SampleBatches.batch(new Random(2), 0, 1, 3000, 1);
        SegmentContent content = new SegmentContent(
                1, 0, 1, List.of(SharedBytes.unpooled(batch)), SampleBatches.checkpoint(new Random(2), 1));
        EncodedObject object = SampleBatches.object(OBJECT_ID, 4096, List.of(content));
        assertThat(object.body()).anySatisfy(part -> {
            assertThat(part.hasArray() && part.remaining() == 3000).isTrue();
            assertThat(part.array()).isSameAs(batch.array());
        });
        assertThat(object.sizeBytes()).isEqualTo(SampleBatches.join(object).limit());
    }

    @Test
    void segmentsOutOfOrderAndBatchesOutOfRangeAreRefused() {
        Random random = new Random(3);
        SegmentContent content = SampleBatches.segment(random, 5, 100, 3, 500);
        ObjectEncoder encoder = new ObjectEncoder(OBJECT_ID, 7, 4096);
        encoder.add(content);
        assertThatThrownBy(() -> encoder.add(SampleBatches.segment(random, 4, 0, 3, 500)))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
        SegmentContent shifted =
                new SegmentContent(6, 101, content.endOffset(), content.batches(), content.checkpoint());
        assertThatThrownBy(() -> encoder.add(shifted)).hasMessageContaining("does not fit");
        assertThatThrownBy(() -> new ObjectEncoder(1, 1, 100)).hasMessageContaining("choose one");
    }

    @Test
    void lookupsFindBlocksAndSegments() {
        Random random = new Random(9);
        SegmentContent content = SampleBatches.segment(random, 5, 100, 30, 1500);
        ObjectIndex index = ObjectIndex.verify(
                OBJECT_ID, SampleBatches.join(SampleBatches.object(OBJECT_ID, 4096, List.of(content))));
        SegmentTrailer trailer = index.requireSegment(5, 100);
        for (long offset = 100; offset < content.endOffset(); offset++) {
            BlockEntry block = index.blocks().get(index.blockAt(trailer, offset));
            assertThat(offset).isBetween(block.baseOffset(), block.endOffset() - 1);
        }
        assertThat(index.blockAt(trailer, content.endOffset())).isEqualTo(trailer.endBlock());
        assertThat(index.segment(5, 99)).isEmpty();
        assertThatThrownBy(() -> index.requireSegment(6, 100)).hasMessageContaining("holds no offset 100");
    }
}
