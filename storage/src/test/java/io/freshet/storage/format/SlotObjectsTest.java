// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.wal.WalEntry;
import io.freshet.wal.s3.SlotFormat.EncodedSlot;
import io.freshet.wal.s3.SlotFormat.SlotContent;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import io.freshet.wal.s3.SlotFormat.SlotName;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SlotObjectsTest {
    private static final SlotKey KEY = new SlotKey(5, 17, 42);
    private static final SlotName NAME = new SlotName(KEY, 5, 0x1234_5678_9abcL);

    private final SlotObjects format = new SlotObjects(4096);
    private final Random random = new Random(11);

    private record Entry(long streamId, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload)
            implements WalEntry {
        @Override
        public int payloadSizeBytes() {
            return payload.remaining();
        }

        @Override
        public void onDurable(long lsn) {}

        @Override
        public void onFailed(FreshetException cause) {}
    }

    private Entry entry(long streamId, int leaderEpoch, long baseOffset, int records, int sizeBytes) {
        ByteBuffer batch = SampleBatches.batch(random, baseOffset, records, sizeBytes, 1000 + baseOffset);
        return new Entry(streamId, leaderEpoch, baseOffset, baseOffset + records, batch);
    }

    private static ByteBuffer join(EncodedSlot slot) {
        ByteBuffer whole = ByteBuffer.allocate((int) slot.sizeBytes());
        slot.body().forEach(part -> whole.put(part.duplicate()));
        return whole.flip();
    }

    /** Bytes of one stream as the visitor gave them, and that leader epochs and offsets were right. */
    private static final class Collected {
        final TreeMap<Long, ByteArrayOutputStream> bytes = new TreeMap<>();
        final List<String> ranges = new ArrayList<>();

        void record(long lsn, long streamId, int leaderEpoch, long base, long end, ByteBuffer payload) {
            byte[] copy = new byte[payload.remaining()];
            payload.get(copy);
            bytes.computeIfAbsent(streamId, s -> new ByteArrayOutputStream()).writeBytes(copy);
            ranges.add(lsn + ":" + streamId + "@" + leaderEpoch + "[" + base + "," + end + ")");
        }
    }

    @Test
    void entriesComeBackWithTheirBytesEpochsAndOffsets() {
        List<WalEntry> entries = List.of(
                entry(7, 3, 100, 5, 2000),
                entry(2, 1, 0, 1, 100),
                entry(7, 3, 105, 5, 1000),
                entry(7, 4, 110, 2, 300),
                entry(7, 4, 112, 2, 6000),
                entry(2, 1, 9, 1, 100));
        EncodedSlot slot = format.encode(NAME, entries);
        Collected seen = new Collected();
        SlotContent content = format.read(KEY, join(slot), 33, seen::record);
        assertThat(content.name()).isEqualTo(NAME);
        assertThat(content.isFence()).isFalse();
        assertThat(content.recordCount()).isEqualTo(5);
        assertThat(seen.ranges)
                .containsExactly(
                        "33:2@1[0,1)", "33:2@1[9,10)", "33:7@3[100,110)", "33:7@4[110,112)", "33:7@4[112,114)");
        ByteArrayOutputStream expected = new ByteArrayOutputStream();
        for (int i : new int[] {0, 2, 3, 4}) {
            expected.writeBytes(((Entry) entries.get(i)).payload().array());
        }
        assertThat(requireNonNull(seen.bytes.get(7L)).toByteArray()).isEqualTo(expected.toByteArray());
    }

    @Test
    void aSlotIsAnObjectThatTheIndexReads() {
        ByteBuffer whole = join(format.encode(NAME, List.of(entry(7, 3, 100, 5, 2000), entry(9, 1, 0, 1, 100))));
        ObjectIndex index = ObjectIndex.decode(NAME.nonce(), whole.limit(), whole);
        assertThat(index.requireSegment(7, 104).checkpoint().epochStarts())
                .containsExactly(new io.freshet.storage.SegmentCheckpoint.EpochStart(3, 100));
        assertThat(index.requireSegment(9, 0).checkpoint().producerState()).isEmpty();
    }

    @Test
    void payloadsAreReferredToAndNotCopied() {
        Entry entry = entry(7, 3, 100, 5, 2000);
        assertThat(format.encode(NAME, List.of(entry)).body())
                .anySatisfy(part -> assertThat(part.hasArray()
                                && part.array() == entry.payload().array())
                        .isTrue());
    }

    @Test
    void aFenceHasNoRecordsAndIsOne() {
        SlotName name = new SlotName(KEY, 88, 99);
        ByteBuffer fence = join(format.fence(name));
        SlotContent content = format.read(KEY, fence, 0, (l, s, e, b, n, p) -> {
            throw new AssertionError("a fence holds no record");
        });
        assertThat(content.isFence()).isTrue();
        assertThat(content.recordCount()).isZero();
        assertThat(content.name()).isEqualTo(name);
        assertThat(fence.limit()).isEqualTo(100);
    }

    @Test
    void everyBitFlipAndTruncationOfSlotAndFenceIsDetected() {
        ByteBuffer slot = join(format.encode(NAME, List.of(entry(7, 3, 100, 5, 200), entry(9, 1, 0, 1, 100))));
        for (ByteBuffer whole : List.of(slot, join(format.fence(NAME)))) {
            for (int bit = 0; bit < whole.limit() * 8; bit++) {
                byte[] damaged = whole.array().clone();
                damaged[bit / 8] ^= (byte) (1 << (bit % 8));
                assertDamaged(KEY, ByteBuffer.wrap(damaged), "bit " + bit);
            }
            for (int size = 0; size < whole.limit(); size++) {
                assertDamaged(KEY, ByteBuffer.wrap(whole.array(), 0, size), "cut to " + size);
            }
        }
    }

    private void assertDamaged(SlotKey key, ByteBuffer bytes, String how) {
        assertThatThrownBy(() -> format.read(key, bytes, 0, (l, s, e, b, n, p) -> {
                    throw new AssertionError("visited a damaged slot");
                }))
                .as(how)
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT))
                .hasMessageContaining("wal/");
    }

    @Test
    void aSlotUnderAnotherKeyIsDetected() {
        ByteBuffer slot = join(format.encode(NAME, List.of(entry(7, 3, 100, 5, 200))));
        ByteBuffer fence = join(format.fence(NAME));
        for (SlotKey other : List.of(new SlotKey(6, 17, 42), new SlotKey(5, 18, 42), new SlotKey(5, 17, 43))) {
            assertDamaged(other, slot, "slot under " + other);
            assertDamaged(other, fence, "fence under " + other);
        }
        ByteBuffer data = SampleBatches.join(
                SampleBatches.object(NAME.nonce(), 4096, List.of(SampleBatches.segment(random, 7, 0, 3, 500))));
        assertDamaged(KEY, data, "a data object");
    }

    @Test
    void entriesThatGoBackAreRefused() {
        assertThatThrownBy(() -> format.encode(NAME, List.of(entry(7, 3, 100, 5, 200), entry(7, 4, 102, 5, 200))))
                .hasMessageContaining("add segments in order");
        assertThatThrownBy(() -> format.encode(NAME, List.of())).hasMessageContaining("would be empty");
    }
}
