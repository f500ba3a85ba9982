// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Bytes of a torn group under a later torn group of the same shape: right LSNs, right checksums, wrong opening. */
class StaleRecordTest {
    private static final int RING = 8192;
    private static final int TO_BLOCK_END = 4096 - GroupHeader.SIZE_BYTES - RecordHeader.SIZE_BYTES;

    @Test
    void aRecordOfAnEarlierOpeningNeverJoinsALaterGroup() throws IOException {
        MemoryBlockDevice device = new MemoryBlockDevice(Wals.SMALL_BYTES);
        List<TestEntry> first = List.of(new TestEntry(1, 0, TO_BLOCK_END), new TestEntry(1, 3, 100));
        List<TestEntry> second = List.of(new TestEntry(2, 0, TO_BLOCK_END), new TestEntry(2, 3, 100));

        writeGroup(device, first);
        byte[] staleBlock = Arrays.copyOfRange(device.bytes, RING + 4096, RING + 8192);
        Arrays.fill(device.bytes, RING, RING + 4096, (byte) 0);
        assertThat(Wals.recover(device.image())).isEmpty();

        writeGroup(device, second);
        System.arraycopy(staleBlock, 0, device.bytes, RING + 4096, 4096);
        second.get(0).onDurable(GroupHeader.SIZE_BYTES);
        assertThat(Wals.recover(device.image())).containsExactly(second.get(0).expected());

        TestEntry next = new TestEntry(3, 0, 50);
        List<TestEntry.Seen> seen = new ArrayList<>();
        try (BlockWal wal = Wals.open(new MemoryBlockDevice(device.image()), seen)) {
            assertThat(seen).hasSize(1);
            wal.append(next);
            assertThat(next.lsn.join()).isEqualTo(4096 + GroupHeader.SIZE_BYTES);
        }
    }

    @Test
    void damageBehindWhichALaterOpeningWroteIsNotTakenForACut() throws IOException {
        MemoryBlockDevice device = new MemoryBlockDevice(Wals.SMALL_BYTES);
        writeGroup(device, List.of(new TestEntry(1, 0, TO_BLOCK_END - 400), new TestEntry(1, 3, 4200)));
        try (BlockWal wal = Wals.open(device)) {
            TestEntry next = new TestEntry(3, 0, 50);
            wal.append(next);
            next.lsn.join();
        }
        device.bytes[RING + 4096 + 7] ^= 1;
        assertThatThrownBy(() -> Wals.recover(device.image()))
                .hasMessageContaining("damaged")
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
        device.bytes[RING + 4096 + 7] ^= 1;
        assertThat(Wals.recover(device.image())).hasSize(3);
    }

    @Test
    void aSmallLastRecordDamagedBeforeALaterOpeningIsRefused() throws IOException {
        MemoryBlockDevice device = new MemoryBlockDevice(Wals.SMALL_BYTES);
        writeGroup(device, List.of(new TestEntry(1, 0, TO_BLOCK_END + 200), new TestEntry(1, 3, 100)));
        try (BlockWal wal = Wals.open(device)) {
            TestEntry next = new TestEntry(3, 0, 50);
            wal.append(next);
            next.lsn.join();
            byte[] image = device.image();
            image[RING + 4096 + 200 + RecordHeader.SIZE_BYTES + 50] ^= 1;
            assertThatThrownBy(() -> Wals.recover(image))
                    .hasMessageContaining("verify only up to LSN " + (4096 + 200))
                    .isInstanceOfSatisfying(
                            FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
        }
    }

    private static void writeGroup(MemoryBlockDevice device, List<TestEntry> entries) throws IOException {
        SuperblockStore superblocks = SuperblockStore.open(device, Wals.CONFIG, () -> 1);
        superblocks.write(superblocks.current().opened(0, 0));
        Superblock superblock = superblocks.current();
        RingGeometry geometry = new RingGeometry(superblock.ringSizeBytes());
        new GroupWriter(device, geometry, superblock.walId(), superblock.generation(), 32 << 10)
                .write(0, 8192, 0, List.copyOf(entries), new long[2]);
    }
}
