// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.runtime.Clock;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Opens lanes over test devices. */
final class Wals {
    static final BlockWalConfig CONFIG = new BlockWalConfig(1, 7, 32 << 10, 1 << 20);
    static final int SMALL_BYTES = 8192 + (64 << 10);

    private Wals() {}

    static BlockWal.Services services() {
        Random random = new Random(42);
        return new BlockWal.Services(Clock.system(), random::nextLong, new SimpleMeterRegistry());
    }

    static BlockWal open(BlockDevice device, List<TestEntry.Seen> seen) {
        return BlockWal.open(CONFIG, device, collect(seen), services());
    }

    static BlockWal open(BlockDevice device) {
        return open(device, new ArrayList<>());
    }

    /** Recovery alone: what {@link BlockWal#open} does before it writes anything. */
    static List<TestEntry.Seen> recover(byte[] image) throws IOException {
        List<TestEntry.Seen> seen = new ArrayList<>();
        MemoryBlockDevice device = new MemoryBlockDevice(image);
        SuperblockStore superblocks = SuperblockStore.open(device, CONFIG, () -> 1);
        new RingRecovery(device, superblocks.current(), collect(seen)).run();
        return seen;
    }

    static List<TestEntry> appendAll(BlockWal wal, int count, int sizeBytes) {
        List<TestEntry> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            TestEntry entry = new TestEntry(i % 3, i, sizeBytes);
            entries.add(entry);
            wal.append(entry);
        }
        return entries;
    }

    static List<TestEntry.Seen> expected(List<TestEntry> entries) {
        return entries.stream().map(TestEntry::expected).toList();
    }

    static RecoveryVisitor collect(List<TestEntry.Seen> seen) {
        return (lsn, streamId, leaderEpoch, baseOffset, endOffset, payload) -> {
            ByteBuffer copy =
                    ByteBuffer.allocate(payload.remaining()).put(payload).flip();
            seen.add(new TestEntry.Seen(lsn, streamId, leaderEpoch, baseOffset, endOffset, copy));
        };
    }
}
