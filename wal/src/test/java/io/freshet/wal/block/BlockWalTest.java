// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BlockWalTest {
    @Test
    void recoversWhatWasAcknowledged() {
        MemoryBlockDevice device = new MemoryBlockDevice(1 << 20);
        List<TestEntry> entries;
        try (BlockWal wal = Wals.open(device)) {
            entries = Wals.appendAll(wal, 100, 777);
            entries.forEach(entry -> entry.lsn.join());
            assertThat(wal.pendingBytes()).isZero();
        }
        List<TestEntry.Seen> seen = new ArrayList<>();
        try (BlockWal wal = Wals.open(new MemoryBlockDevice(device.image()), seen)) {
            assertThat(seen).isEqualTo(Wals.expected(entries));
            assertThat(wal.endLsn()).isGreaterThan(entries.get(99).lsn.join());
        }
        assertThat(device.isClosed()).isTrue();
    }

    @Test
    void recoversWithoutACleanClose() throws Exception {
        MemoryBlockDevice device = new MemoryBlockDevice(1 << 20);
        try (BlockWal wal = Wals.open(device)) {
            List<TestEntry> entries = Wals.appendAll(wal, 10, 0);
            entries.forEach(entry -> entry.lsn.join());
            assertThat(Wals.recover(device.image())).isEqualTo(Wals.expected(entries));
        }
    }

    @Test
    void takesRecordsLargerThanTheStagingBufferAlsoAcrossTheRingEnd() throws Exception {
        MemoryBlockDevice device = new MemoryBlockDevice(8192 + (1 << 20));
        try (BlockWal wal = Wals.open(device)) {
            for (int i = 0; i < 5; i++) {
                TestEntry small = new TestEntry(1, 2L * i, 5000);
                TestEntry large = new TestEntry(1, 2L * i + 1, 700_001);
                wal.append(small);
                wal.append(large);
                large.lsn.join();
                assertThat(Wals.recover(device.image())).isEqualTo(Wals.expected(List.of(small, large)));
                await().until(() -> wal.endLsn() > large.lsn.join());
                wal.trim(wal.endLsn()).join();
            }
        }
    }

    @Test
    void refusesARecordThatCanNeverFit() {
        try (BlockWal wal = Wals.open(new MemoryBlockDevice(Wals.SMALL_BYTES))) {
            TestEntry entry = new TestEntry(1, 0, 64 << 10);
            assertThatThrownBy(() -> wal.append(entry))
                    .isInstanceOfSatisfying(
                            FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
            assertThat(entry.lsn).isNotDone();
        }
    }

    @Test
    void trimmedRecordsDoNotComeBackAndTheStartNeverMovesBack() {
        MemoryBlockDevice device = new MemoryBlockDevice(1 << 20);
        List<TestEntry> entries;
        try (BlockWal wal = Wals.open(device)) {
            entries = Wals.appendAll(wal, 50, 300);
            long from = entries.get(30).lsn.join();
            entries.get(49).lsn.join();
            wal.trim(from).join();
            wal.trim(entries.get(3).lsn.join()).join();
            assertThat(wal.startLsn()).isEqualTo(from);
            assertThatThrownBy(() -> wal.trim(wal.capacityBytes()).join()).hasCauseInstanceOf(FreshetException.class);
        }
        List<TestEntry.Seen> seen = new ArrayList<>();
        Wals.open(new MemoryBlockDevice(device.image()), seen).close();
        assertThat(seen).isEqualTo(Wals.expected(entries.subList(30, 50)));
    }

    @Test
    void aFullRingWaitsAndGoesOnAfterATrim() {
        try (BlockWal wal = Wals.open(new MemoryBlockDevice(Wals.SMALL_BYTES))) {
            CompletableFuture<Long> low = new CompletableFuture<>();
            wal.onSpaceLow(low::complete);
            List<TestEntry> entries = Wals.appendAll(wal, 40, 4000);
            assertThat(low.join()).isGreaterThanOrEqualTo(wal.capacityBytes() / 2);
            await().until(() -> wal.usedBytes() > wal.capacityBytes() - 8192);
            assertThat(entries.get(39).lsn).isNotDone();
            assertThat(wal.pendingBytes()).isPositive();
            for (TestEntry entry : entries) {
                wal.trim(entry.lsn.join()).join();
            }
            assertThat(entries).allSatisfy(entry -> assertThat(entry.lsn).isCompleted());
        }
    }

    @Test
    void entriesThatWaitForSpaceFailOnClose() {
        BlockWal wal = Wals.open(new MemoryBlockDevice(Wals.SMALL_BYTES));
        List<TestEntry> entries = Wals.appendAll(wal, 40, 4000);
        entries.get(0).lsn.join();
        wal.close();
        assertUnavailable(entries.get(39));
        assertThat(wal.pendingBytes()).isZero();
    }

    @Test
    void aDeviceErrorFailsItsEntriesAndAllLaterOnes() {
        MemoryBlockDevice device = new MemoryBlockDevice(1 << 20);
        BlockWal wal = Wals.open(device);
        TestEntry first = new TestEntry(1, 0, 10);
        wal.append(first);
        first.lsn.join();
        device.failAfter(0, 0);
        TestEntry second = new TestEntry(1, 3, 10);
        wal.append(second);
        assertUnavailable(second);
        int writes = device.writeCount();
        TestEntry third = new TestEntry(1, 6, 10);
        wal.append(third);
        assertUnavailable(third);
        assertThatThrownBy(() -> wal.trim(0).join()).hasMessageContaining("injected EIO");
        assertThat(wal.failure()).isPresent();
        wal.close();
        assertThat(device.writeCount()).isEqualTo(writes);
        assertThat(device.isClosed()).isTrue();
    }

    @Test
    void appendsAndTrimsAfterCloseFail() {
        BlockWal wal = Wals.open(new MemoryBlockDevice(1 << 20));
        wal.close();
        wal.close();
        TestEntry entry = new TestEntry(1, 0, 10);
        wal.append(entry);
        assertUnavailable(entry);
        assertThatThrownBy(() -> wal.trim(0).join()).hasMessageContaining("is closed");
    }

    @Test
    void gathersWhatArrivesDuringAWriteIntoOneGroup() {
        MemoryBlockDevice device = new MemoryBlockDevice(1 << 20);
        try (BlockWal wal = Wals.open(device)) {
            device.holdWrites();
            int before = device.writeCount();
            List<TestEntry> entries = Wals.appendAll(wal, 200, 100);
            device.releaseWrites();
            entries.forEach(entry -> entry.lsn.join());
            assertThat(device.writeCount() - before).isLessThan(5);
        }
    }

    @Test
    void manyAppendersKeepTheirOrder() throws Exception {
        MemoryBlockDevice device = new MemoryBlockDevice(8 << 20);
        List<TestEntry.Seen> completed = Collections.synchronizedList(new ArrayList<>());
        List<List<TestEntry>> perThread = new ArrayList<>();
        try (BlockWal wal = Wals.open(device)) {
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                List<TestEntry> mine = new ArrayList<>();
                perThread.add(mine);
                long stream = t;
                threads.add(new Thread(() -> appendFrom(wal, stream, mine, completed)));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
        }
        List<TestEntry.Seen> seen = Wals.recover(device.image());
        assertThat(seen).hasSize(8 * 500).isEqualTo(completed);
        assertThat(seen).extracting(TestEntry.Seen::lsn).isSorted().doesNotHaveDuplicates();
        for (List<TestEntry> mine : perThread) {
            long stream = mine.get(0).streamId();
            assertThat(seen.stream().filter(s -> s.streamId() == stream).toList())
                    .isEqualTo(Wals.expected(mine));
        }
    }

    private static void appendFrom(BlockWal wal, long stream, List<TestEntry> mine, List<TestEntry.Seen> completed) {
        for (int i = 0; i < 500; i++) {
            TestEntry entry = new TestEntry(stream, i, 1 + (i * 37) % 900);
            entry.lsn.thenRun(() -> completed.add(entry.expected()));
            mine.add(entry);
            wal.append(entry);
        }
    }

    @Test
    void anEntryThatThrowsDoesNotStopTheLane() {
        try (BlockWal wal = Wals.open(new MemoryBlockDevice(1 << 20))) {
            TestEntry rude = new TestEntry(1, 0, 10);
            rude.lsn.complete(-5L);
            wal.append(rude);
            TestEntry next = new TestEntry(1, 1, 10);
            wal.append(next);
            assertThat(next.lsn.join()).isPositive();
        }
    }

    @Test
    void eachOpeningHasAHigherGeneration() throws Exception {
        MemoryBlockDevice device = new MemoryBlockDevice(1 << 20);
        for (int opening = 1; opening <= 3; opening++) {
            Wals.open(device).close();
            Superblock superblock =
                    SuperblockStore.open(device, Wals.CONFIG, () -> 1).current();
            assertThat(superblock.generation()).isEqualTo(opening);
            assertThat(superblock.cleanEndLsn()).isEqualTo(superblock.durableLsn());
        }
    }

    @Test
    void refusesAnotherBrokersWal() {
        MemoryBlockDevice device = new MemoryBlockDevice(1 << 20);
        Wals.open(device).close();
        assertThatThrownBy(() -> BlockWal.open(BlockWalConfig.of(2), device, Wals.collect(List.of()), Wals.services()))
                .isInstanceOf(FreshetException.class)
                .hasMessageContaining("belongs to broker 1, this is broker 2");
    }

    @Test
    void aReadErrorWhileOpeningIsUnavailableAndClosesTheDevice() {
        MemoryBlockDevice device = new MemoryBlockDevice(1 << 20);
        Wals.open(device).close();
        MemoryBlockDevice again = new MemoryBlockDevice(device.image());
        again.shortReadAfter(2);
        assertThatThrownBy(() -> Wals.open(again))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNAVAILABLE));
        assertThat(again.isClosed()).isTrue();
    }

    @Test
    void showsMetersWhileOpen() {
        BlockWal.Services services = Wals.services();
        MeterRegistry meters = services.meters();
        BlockWal wal =
                BlockWal.open(Wals.CONFIG, new MemoryBlockDevice(1 << 20), Wals.collect(new ArrayList<>()), services);
        TestEntry entry = new TestEntry(1, 0, 10);
        wal.append(entry);
        entry.lsn.join();
        await().until(() -> meters.get("freshet.wal.records").counter().count() == 1);
        assertThat(meters.get("freshet.wal.used").gauge().value()).isEqualTo(4096);
        assertThat(meters.get("freshet.wal.capacity")
                        .tag("io", "memory")
                        .gauge()
                        .value())
                .isEqualTo(wal.capacityBytes());
        wal.close();
        assertThat(meters.getMeters()).isEmpty();
    }

    private static void assertUnavailable(TestEntry entry) {
        assertThatThrownBy(entry.lsn::join)
                .cause()
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNAVAILABLE));
    }
}
