// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Random appends, trims, closes and crashes over many laps against a list. */
class RingModelTest {
    private static final int OPENINGS = 8;

    @Property(tries = 60)
    void recoveryReturnsTheModel(@ForAll long seed) {
        Random random = new Random(seed);
        byte[] image = new byte[Wals.SMALL_BYTES + random.nextInt(4) * 4096];
        List<TestEntry.Seen> model = new ArrayList<>();
        List<TestEntry> unknown = List.of();
        long nextOffset = 0;
        for (int opening = 0; opening < OPENINGS; opening++) {
            MemoryBlockDevice device = new MemoryBlockDevice(image);
            List<TestEntry.Seen> seen = new ArrayList<>();
            BlockWal wal = Wals.open(device, seen);
            assertRecovered(seen, model, unknown);
            model = seen;
            unknown = new ArrayList<>();
            int rounds = random.nextInt(40);
            for (int round = 0; round < rounds; round++) {
                appendSome(wal, random, model, nextOffset);
                nextOffset += 4;
                trimSome(wal, random, model);
            }
            if (random.nextInt(3) > 0) {
                device.failAfter(random.nextInt(2), random.nextInt(9) * random.nextInt(2048));
                unknown = crash(wal, random, model, nextOffset);
                nextOffset += 8;
            }
            wal.close();
            image = device.image();
        }
    }

    private static void appendSome(BlockWal wal, Random random, List<TestEntry.Seen> model, long nextOffset) {
        List<TestEntry> entries = new ArrayList<>();
        for (int i = 0; i < 1 + random.nextInt(4); i++) {
            entries.add(new TestEntry(random.nextInt(5), nextOffset + i, random.nextInt(6000)));
        }
        entries.forEach(wal::append);
        while (!entries.isEmpty()) {
            TestEntry entry = entries.remove(0);
            while (!entry.lsn.isDone() && wal.usedBytes() > wal.capacityBytes() - 16384) {
                trimAllBut(wal, model, 2);
            }
            entry.lsn.join();
            model.add(entry.expected());
        }
    }

    private static void trimSome(BlockWal wal, Random random, List<TestEntry.Seen> model) {
        if (random.nextInt(4) == 0) {
            trimAllBut(wal, model, random.nextInt(10));
        }
    }

    private static void trimAllBut(BlockWal wal, List<TestEntry.Seen> model, int kept) {
        while (model.size() > Math.max(kept, 1)) {
            model.remove(0);
        }
        if (!model.isEmpty()) {
            wal.trim(model.get(0).lsn()).join();
        }
    }

    /** Appends to a device that fails soon; those that were acknowledged all the same enter the model. */
    private static List<TestEntry> crash(BlockWal wal, Random random, List<TestEntry.Seen> model, long nextOffset) {
        List<TestEntry> unknown = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            TestEntry entry = new TestEntry(random.nextInt(5), nextOffset + i, random.nextInt(3000));
            unknown.add(entry);
            wal.append(entry);
        }
        wal.close();
        while (!unknown.isEmpty() && !unknown.get(0).lsn.isCompletedExceptionally()) {
            model.add(unknown.remove(0).expected());
        }
        return unknown;
    }

    private static void assertRecovered(
            List<TestEntry.Seen> seen, List<TestEntry.Seen> model, List<TestEntry> unknown) {
        assertThat(seen).hasSizeBetween(model.size(), model.size() + unknown.size());
        assertThat(seen.subList(0, model.size())).isEqualTo(model);
        for (int i = model.size(); i < seen.size(); i++) {
            assertThat(seen.get(i).withoutLsn())
                    .isEqualTo(unknown.get(i - model.size()).withoutLsn());
        }
    }
}
