// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every way a single group write can end, and damage that no torn write can explain. */
@Timeout(60)
class TornTailTest {
    private static final int STEP = 97;

    private byte[] before = new byte[0];
    private byte[] after = new byte[0];
    private List<TestEntry.Seen> acknowledged = List.of();
    private List<TestEntry.Seen> all = List.of();

    /** Three lone groups of one record on the ring's second lap, then a tail group of five. */
    @BeforeEach
    void writeLog() {
        MemoryBlockDevice device = new MemoryBlockDevice(Wals.SMALL_BYTES);
        try (BlockWal wal = Wals.open(device)) {
            for (TestEntry old : Wals.appendAll(wal, 30, 3000)) {
                wal.trim(old.lsn.join()).join();
            }
            List<TestEntry> entries = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                entries.add(appendAlone(wal, i));
            }
            wal.trim(entries.get(0).lsn.join()).join();
            acknowledged = Wals.expected(entries);
            entries.addAll(appendGroup(wal, device));
            after = device.image();
            all = Wals.expected(entries);
        }
    }

    private static TestEntry appendAlone(BlockWal wal, int i) {
        TestEntry entry = new TestEntry(1, i, 500 + i);
        wal.append(entry);
        entry.lsn.join();
        return entry;
    }

    /** Holds one write back so that the entries behind it gather; the held one is the first of the tail's two groups. */
    private List<TestEntry> appendGroup(BlockWal wal, MemoryBlockDevice device) {
        device.holdWrites();
        TestEntry first = new TestEntry(3, 0, 40);
        wal.append(first);
        await().until(device::isWriterWaiting);
        List<TestEntry> group = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            TestEntry entry = new TestEntry(4, i, 900 + 13 * i);
            group.add(entry);
            wal.append(entry);
        }
        device.releaseOneWrite();
        first.lsn.join();
        before = device.image();
        List<TestEntry.Seen> known = new ArrayList<>(acknowledged);
        known.add(first.expected());
        acknowledged = known;
        device.releaseWrites();
        group.forEach(entry -> entry.lsn.join());
        group.add(0, first);
        return group;
    }

    private int tailPosition() {
        return Arrays.mismatch(
                                Arrays.copyOfRange(before, 8192, before.length),
                                Arrays.copyOfRange(after, 8192, after.length))
                        / 4096
                        * 4096
                + 8192;
    }

    private int tailEnd() {
        int last = after.length - 1;
        while (before[last] == after[last]) {
            last--;
        }
        return (last / 4096 + 1) * 4096;
    }

    @Test
    void theWholeTailIsRecovered() throws IOException {
        assertThat(Wals.recover(after)).isEqualTo(all);
        assertThat(Wals.recover(before)).isEqualTo(acknowledged);
        assertThat(tailEnd() - tailPosition()).isEqualTo(8192);
    }

    @Test
    void aTailCutAtAnyByteLeavesAPrefixThatHoldsAllThatWasAcknowledged() throws IOException {
        for (int cut = tailPosition(); cut <= tailEnd(); cut++) {
            byte[] image = before.clone();
            System.arraycopy(after, tailPosition(), image, tailPosition(), cut - tailPosition());
            assertPrefix(Wals.recover(image), "cut at " + cut);
        }
    }

    @Test
    void aTailWrittenFromTheBackLeavesAPrefixToo() throws IOException {
        for (int cut = tailPosition(); cut <= tailEnd(); cut++) {
            byte[] image = before.clone();
            System.arraycopy(after, cut, image, cut, tailEnd() - cut);
            assertPrefix(Wals.recover(image), "only from " + cut);
        }
    }

    @Test
    void aFlippedBitAnywhereInTheTailLeavesAPrefix() throws IOException {
        for (int at = tailPosition(); at < tailEnd(); at++) {
            byte[] image = after.clone();
            image[at] ^= (byte) (1 << at % 8);
            assertPrefix(Wals.recover(image), "flip at " + at);
        }
    }

    @Test
    void aFlippedBitInAnEarlierGroupIsRefusedOrHarmless() throws IOException {
        int refused = 0;
        for (TestEntry.Seen seen : acknowledged) {
            int start = 8192 + (int) (seen.lsn() % (64 << 10)) - 64;
            int end = start + 64 + 56 + seen.payload().remaining();
            for (int at = start; at < end; at++) {
                byte[] image = after.clone();
                image[at] ^= (byte) (1 << at % 8);
                assertCorrupt(image, seen.lsn());
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(2000);
    }

    @Test
    void aZeroedBlockBeforeTheTailIsRefused() {
        byte[] image = after.clone();
        int block = 8192 + (int) (acknowledged.get(1).lsn() % (64 << 10)) / 4096 * 4096;
        Arrays.fill(image, block, block + 4096, (byte) 0);
        assertCorrupt(image, acknowledged.get(1).lsn());
    }

    @Test
    void aTornTailNeverComesBackAfterNewAppends() throws IOException {
        for (int cut = tailPosition(); cut <= tailEnd(); cut += STEP) {
            byte[] image = before.clone();
            System.arraycopy(after, tailPosition(), image, tailPosition(), cut - tailPosition());
            MemoryBlockDevice device = new MemoryBlockDevice(image);
            List<TestEntry.Seen> expected = new ArrayList<>();
            try (BlockWal wal = Wals.open(device, expected)) {
                assertPrefix(expected, "cut at " + cut);
                assertThat(Wals.recover(device.image())).isEqualTo(expected);
                TestEntry next = new TestEntry(9, cut, 10);
                wal.append(next);
                next.lsn.join();
                expected.add(next.expected());
                assertThat(Wals.recover(device.image())).isEqualTo(expected);
            }
            List<TestEntry.Seen> again = new ArrayList<>();
            Wals.open(new MemoryBlockDevice(device.image()), again).close();
            assertThat(again).isEqualTo(expected);
        }
    }

    @Test
    void oneDamagedSuperblockDoesNoHarmAndTwoAreRefused() throws IOException {
        for (int at = 0; at < 8192; at += 5) {
            byte[] image = after.clone();
            image[at] ^= 0x10;
            assertThat(Wals.recover(image)).isEqualTo(all);
        }
        byte[] image = after.clone();
        image[20] ^= 1;
        image[4096 + 20] ^= 1;
        assertThatThrownBy(() -> Wals.recover(image))
                .hasMessageContaining("Neither superblock")
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    }

    @Test
    void aCrashWhileFormattingLeavesABlankWal() {
        MemoryBlockDevice fresh = new MemoryBlockDevice(Wals.SMALL_BYTES);
        fresh.failAfter(0, 70);
        assertThatThrownBy(() -> Wals.open(fresh)).isInstanceOf(FreshetException.class);
        MemoryBlockDevice again = new MemoryBlockDevice(fresh.image());
        try (BlockWal wal = Wals.open(again)) {
            assertThat(wal.endLsn()).isZero();
        }
    }

    @Test
    void aWriteThatTheDeviceLostBehindALaterOneIsRefused() {
        MemoryBlockDevice device = new MemoryBlockDevice(Wals.SMALL_BYTES);
        byte[] image;
        try (BlockWal wal = Wals.open(device)) {
            appendAlone(wal, 0);
            device.dropNextWrite();
            TestEntry lost = appendAlone(wal, 1);
            appendAlone(wal, 2);
            image = device.image();
            assertCorrupt(image, lost.lsn.join());
        }
    }

    @Test
    void aTailLostAfterACleanCloseIsRefused() {
        MemoryBlockDevice device = new MemoryBlockDevice(Wals.SMALL_BYTES);
        TestEntry last;
        try (BlockWal wal = Wals.open(device)) {
            appendAlone(wal, 0);
            last = appendAlone(wal, 1);
        }
        byte[] image = device.image();
        image[8192 + last.lsn.join().intValue() + 60] ^= 1;
        assertCorrupt(image, last.lsn.join());
    }

    private void assertPrefix(List<TestEntry.Seen> seen, String what) {
        assertThat(seen.size()).as(what).isBetween(acknowledged.size(), all.size());
        assertThat(seen).as(what).isEqualTo(all.subList(0, seen.size()));
    }

    private static void assertCorrupt(byte[] image, long recordLsn) {
        long groupLsn = recordLsn - GroupHeader.SIZE_BYTES;
        assertThatThrownBy(() -> Wals.recover(image))
                .hasMessageContaining("LSN " + groupLsn)
                .hasMessageContaining("position " + (8192 + groupLsn % (64 << 10)))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT));
    }
}
