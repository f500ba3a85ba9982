// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.EncodedObject;
import io.freshet.storage.format.ObjectFooter;
import io.freshet.storage.format.SampleBatches;
import io.freshet.storage.format.SegmentContent;
import io.freshet.storage.format.SlotObjects;
import io.freshet.wal.WalEntry;
import io.freshet.wal.s3.SlotFormat.EncodedSlot;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import io.freshet.wal.s3.SlotFormat.SlotName;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class ObjectInspectorTest {
    private static final long OBJECT_ID = 77;
    private static final ObjectName NAME = new ObjectName.OfData(OBJECT_ID);
    private static final int BLOCK_BYTES = 4 << 10;

    private final Random random = new Random(5);
    private final EncodedObject sound = SampleBatches.object(
            OBJECT_ID, BLOCK_BYTES, List.of(segment(3, 0, 6), segment(3, 600, 6), segment(9, 100, 6)));
    private final byte[] bytes = SampleBatches.join(sound).array();

    /** Batches of 100 offsets and 1.5 KiB, whose Kafka CRC is right. */
    private SegmentContent segment(long streamId, long startOffset, int batches) {
        List<SharedBytes> content = new ArrayList<>();
        for (int i = 0; i < batches; i++) {
            ByteBuffer batch = SampleBatches.batch(random, startOffset + i * 100L, 100, 1500, 5000);
            batch.putShort(21, (short) 4); // zstd
            CRC32C crc = new CRC32C();
            crc.update(batch.slice(21, 1500 - 21));
            batch.putInt(17, (int) crc.getValue());
            content.add(SharedBytes.unpooled(batch));
        }
        long end = startOffset + batches * 100L;
        SegmentCheckpoint checkpoint = new SegmentCheckpoint(
                end, List.of(new SegmentCheckpoint.EpochStart(2, 0)), new byte[] {1, 2, 3}, List.of());
        return new SegmentContent(streamId, startOffset, end, content, checkpoint);
    }

    private record InMemory(byte[] bytes) implements ObjectBytes {
        @Override
        public long sizeBytes() {
            return bytes.length;
        }

        @Override
        public ByteBuffer read(long position, int length) {
            if (position < 0 || position + length > bytes.length) {
                throw new FreshetException(ErrorKind.CORRUPT, "The object ends before " + (position + length));
            }
            return ByteBuffer.wrap(bytes).slice((int) position, length);
        }
    }

    private record Result(ObjectLayout layout, List<Damage> damages, List<BatchSummary> batches) {}

    private static Result inspect(byte[] object, ObjectName name) {
        ObjectInspector inspector = new ObjectInspector(new InMemory(object), name);
        ObjectLayout layout = inspector.layout();
        List<Damage> damages = new ArrayList<>(layout.damages());
        List<BatchSummary> batches = new ArrayList<>();
        for (int i = 0; i < layout.blocks().size(); i++) {
            damages.addAll(inspector.checkBlock(
                    layout.objectId(), i, layout.blocks().get(i), (block, batch) -> batches.add(batch)));
        }
        return new Result(layout, damages, batches);
    }

    private Result withFlipped(int position) {
        byte[] damaged = bytes.clone();
        damaged[position] ^= 0x10;
        return inspect(damaged, NAME);
    }

    @Test
    void aSoundObjectIsShownWhole() {
        Result result = inspect(bytes, new ObjectName.Unknown());
        assertThat(result.damages).isEmpty();
        assertThat(result.layout.objectId()).isEqualTo(OBJECT_ID);
        assertThat(result.layout.isIndexRead()).isTrue();
        assertThat(result.layout.segments()).hasSize(3);
        assertThat(result.batches).hasSize(18);
        assertThat(result.batches.get(0).codec()).isEqualTo("zstd");
        assertThat(result.batches.get(0).isCrcRight()).isTrue();
        assertThat(result.batches.get(17).endOffset()).isEqualTo(700);
    }

    @Test
    void everyFlippedBitIsFoundAndNothingIsThrown() {
        for (int position = 0; position < bytes.length; position += 7) {
            assertThat(withFlipped(position).damages).as("flip at " + position).isNotEmpty();
        }
    }

    @Test
    void everyTruncationIsFoundAndNothingIsThrown() {
        for (int size = 0; size < bytes.length; size += 97) {
            assertThat(inspect(java.util.Arrays.copyOf(bytes, size), NAME).damages)
                    .as("cut at " + size)
                    .isNotEmpty();
        }
    }

    @Test
    void aDamagedBlockHidesNoOther() {
        BlockEntry second = inspect(bytes, NAME).layout.blocks().get(1);
        Result result = withFlipped((int) second.position() + 500);
        assertThat(result.damages).extracting(Damage::part).containsExactly("block", "batch");
        assertThat(result.damages.get(0).position()).isEqualTo(second.position());
        assertThat(result.damages.get(0).message()).contains("stream 3", "CRC32C");
        assertThat(result.batches).hasSize(18);
    }

    @Test
    void theHeaderIsNamed() {
        Result result = withFlipped(3);
        assertThat(result.damages).extracting(Damage::part).containsExactly("header");
        assertThat(result.damages.get(0).position()).isZero();
        assertThat(result.layout.header()).isNull();
        assertThat(result.batches).hasSize(18);
    }

    @Test
    void withoutItsIndexBlocksAreFoundByTheirHeaders() {
        int indexPosition = (int) footer().indexPosition();
        Result result = withFlipped(indexPosition + 20);
        assertThat(result.damages).extracting(Damage::part).containsExactly("index");
        assertThat(result.layout.isIndexRead()).isFalse();
        assertThat(result.layout.segments()).hasSize(3);
        assertThat(result.batches).hasSize(18);
    }

    @Test
    void withoutItsTrailersTheRestIsShown() {
        Result result = withFlipped((int) footer().trailersPosition() + 5);
        assertThat(result.damages).extracting(Damage::part).containsExactly("trailers");
        assertThat(result.layout.segments()).isEmpty();
        assertThat(result.batches).hasSize(18);
    }

    @Test
    void withoutItsFooterBlocksAreFoundEvenBehindADamagedHeader() {
        BlockEntry second = inspect(bytes, NAME).layout.blocks().get(1);
        byte[] damaged = bytes.clone();
        damaged[bytes.length - 30] ^= 1;
        damaged[(int) second.position()] ^= 1;
        Result result = inspect(damaged, NAME);
        assertThat(result.layout.footer()).isNull();
        assertThat(result.damages).extracting(Damage::part).containsExactly("footer", "block");
        assertThat(result.damages.get(1).position()).isEqualTo(second.position());
        assertThat(result.batches).hasSize(16);
    }

    @Test
    void anotherObjectUnderTheKeyIsNamed() {
        assertThat(inspect(bytes, new ObjectName.OfData(78)).damages)
                .extracting(Damage::message)
                .anyMatch(message -> message.contains("77"));
    }

    @Test
    void aSlotMustBearTheTagOfItsKey() {
        SlotKey key = new SlotKey(7, 3, 12);
        SlotObjects format = new SlotObjects(BLOCK_BYTES);
        ByteBuffer batch = SampleBatches.batch(random, 0, 100, 1500, 5000);
        batch.putShort(21, (short) 4);
        CRC32C crc = new CRC32C();
        crc.update(batch.slice(21, 1500 - 21));
        batch.putInt(17, (int) crc.getValue());
        WalEntry entry = new Entry(5, 1, 0, 100, batch);
        byte[] records = join(format.encode(new SlotName(key, 7, 400), List.of(entry)));
        byte[] strangers = join(format.encode(new SlotName(key, 8, 400), List.of(entry)));
        byte[] fence = join(format.fence(new SlotName(key, 8, 401)));

        assertThat(inspect(records, slot(7, 3, 12)).damages).isEmpty();
        assertThat(inspect(fence, slot(7, 3, 12)).damages).isEmpty();
        assertThat(inspect(records, new ObjectName.Unknown()).damages).isEmpty();
        for (ObjectName other : List.of(slot(6, 3, 12), slot(7, 4, 12), slot(7, 3, 13))) {
            for (byte[] slot : List.of(records, fence)) {
                assertThat(inspect(slot, other).damages)
                        .as(other.toString())
                        .extracting(Damage::part, Damage::position)
                        .containsExactly(tuple("header", 24L));
            }
        }
        assertThat(inspect(bytes, slot(7, 3, 12)).damages)
                .as("a data object in a slot's place")
                .hasSize(1);
        assertThat(inspect(strangers, slot(7, 3, 12)).damages.get(0).message()).contains("broker 8 wrote it");
    }

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

    private static ObjectName slot(int brokerId, long brokerEpoch, long slot) {
        return ObjectName.of(ObjectKeys.slotKey(brokerId, brokerEpoch, slot));
    }

    private static byte[] join(EncodedSlot slot) {
        ByteBuffer joined = ByteBuffer.allocate((int) slot.sizeBytes());
        slot.body().forEach(part -> joined.put(part.duplicate()));
        return joined.array();
    }

    private ObjectFooter footer() {
        return Objects.requireNonNull(inspect(bytes, NAME).layout.footer());
    }
}
