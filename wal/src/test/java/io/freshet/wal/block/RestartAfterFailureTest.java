// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An empty log in the place of one that failed. */
@Timeout(30)
class RestartAfterFailureTest {
    private static final int ALL = Integer.MAX_VALUE;
    private static final int RING_BYTES = 8192 + (512 << 10);

    /** A lane with a few durable records whose last write failed after {@code kept} bytes; closed. */
    private static BlockWal failed(MemoryBlockDevice device, int kept) {
        BlockWal wal = Wals.open(device);
        Wals.appendAll(wal, 20, 500).forEach(entry -> entry.lsn.join());
        device.failAfter(0, kept);
        TestEntry lost = new TestEntry(5, 5, 3000);
        wal.append(lost);
        assertThatThrownBy(lost.lsn::join).hasStackTraceContaining("injected EIO at " + positionOf(wal));
        await().until(() -> wal.failure().isPresent());
        wal.close();
        return wal;
    }

    private static long positionOf(BlockWal wal) {
        return new RingGeometry(wal.capacityBytes()).position(wal.endLsn());
    }

    private static BlockWal restart(MemoryBlockDevice device, BlockWal failed) {
        return BlockWal.openAnew(Wals.CONFIG, device, failed, Wals.services());
    }

    @Test
    void nothingWrittenBeforeIsEverFoundAgain() throws Exception {
        for (int kept : new int[] {0, 100, 4096, ALL}) {
            MemoryBlockDevice device = new MemoryBlockDevice(RING_BYTES);
            BlockWal failed = failed(device, kept);
            device.failAfter(ALL, 0);
            try (BlockWal wal = restart(device, failed)) {
                assertThat(Wals.recover(device.image())).isEmpty();
                assertThat(wal.usedBytes()).isZero();
                assertThat(wal.startLsn()).isGreaterThan(failed.endLsn() + failed.capacityBytes());
                List<TestEntry> entries = Wals.appendAll(wal, 30, 700);
                entries.forEach(entry -> entry.lsn.join());
                assertThat(Wals.recover(device.image())).isEqualTo(Wals.expected(entries));
                assertThat(entries.get(0).lsn.join()).isGreaterThanOrEqualTo(wal.startLsn());
            }
            List<TestEntry.Seen> seen = new ArrayList<>();
            Wals.open(new MemoryBlockDevice(device.image()), seen).close();
            assertThat(seen).hasSize(30);
        }
    }

    @Test
    void aCrashOrAnErrorWhileRestartingLeavesTheOldLogOrTheNewOne() throws Exception {
        for (int writes = 0; writes < 2; writes++) {
            for (int kept : new int[] {0, 60, 512, ALL}) {
                MemoryBlockDevice device = new MemoryBlockDevice(RING_BYTES);
                BlockWal failed = failed(device, 0);
                device.failAfter(writes, kept);
                assertThatThrownBy(() -> restart(device, failed))
                        .isInstanceOfSatisfying(
                                FreshetException.class,
                                error -> assertThat(error.kind()).isEqualTo(ErrorKind.UNAVAILABLE));
                assertThat(Wals.recover(device.image()).size())
                        .as("%d writes, %d bytes kept", writes, kept)
                        .isIn(0, 20);
                device.failAfter(ALL, 0);
                try (BlockWal wal = restart(device, failed)) {
                    assertThat(Wals.recover(device.image())).isEmpty();
                    TestEntry entry = new TestEntry(1, 1, 10);
                    wal.append(entry);
                    assertThat(entry.lsn.join()).isGreaterThan(failed.endLsn());
                }
            }
        }
    }

    @Test
    void formatsARingWhoseSuperblocksAreDamaged() throws Exception {
        MemoryBlockDevice device = new MemoryBlockDevice(RING_BYTES);
        BlockWal failed = failed(device, 0);
        device.failAfter(ALL, 0);
        Arrays.fill(device.bytes, 0, 8192, (byte) 7);
        try (BlockWal wal = restart(device, failed)) {
            assertThat(wal.startLsn()).isGreaterThan(failed.endLsn());
            TestEntry entry = new TestEntry(1, 1, 10);
            wal.append(entry);
            entry.lsn.join();
            assertThat(Wals.recover(device.image())).isEqualTo(Wals.expected(List.of(entry)));
        }
    }

    @Test
    void leavesAnotherWalAlone() throws Exception {
        MemoryBlockDevice device = new MemoryBlockDevice(RING_BYTES);
        BlockWal failed = failed(device, 0);
        MemoryBlockDevice other = new MemoryBlockDevice(RING_BYTES);
        try (BlockWal wal = BlockWal.open(
                Wals.CONFIG,
                other,
                Wals.collect(new ArrayList<>()),
                new BlockWal.Services(
                        io.freshet.common.runtime.Clock.system(),
                        () -> 99,
                        new io.micrometer.core.instrument.simple.SimpleMeterRegistry()))) {
            Wals.appendAll(wal, 5, 100).forEach(entry -> entry.lsn.join());
        }
        assertThatThrownBy(() -> restart(other, failed))
                .isInstanceOfSatisfying(
                        FreshetException.class,
                        error -> assertThat(error.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining("put the right volume back");
        assertThat(Wals.recover(other.image())).hasSize(5);
        assertThat(other.isClosed()).isTrue();
    }
}
