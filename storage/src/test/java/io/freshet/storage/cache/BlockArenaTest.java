// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlockArenaTest {
    private static final Runnable NOTHING = () -> {};
    private final BlockArena arena = new BlockArena(64 << 10);

    @Test
    void pagesSharedByNeighboursLiveUntilBothAreReleased() {
        BlockArena.Extent extent = Objects.requireNonNull(arena.tryAllocate(10_000));
        CachedBlock left = extent.block(0, 5_000, NOTHING);
        CachedBlock right = extent.block(5_000, 5_000, NOTHING);
        extent.release();
        assertThat(arena.usedBytes()).isEqualTo(3 * 4096);
        left.release();
        assertThat(arena.usedBytes()).isEqualTo(2 * 4096);
        right.release();
        assertThat(arena.usedBytes()).isZero();
    }

    @Test
    void releasedBlockCannotBeRetainedAgain() {
        BlockArena.Extent extent = Objects.requireNonNull(arena.tryAllocate(100));
        CachedBlock block = extent.block(0, 100, NOTHING);
        extent.release();
        block.retain();
        block.release();
        block.release();
        assertThat(block.tryRetain()).isFalse();
        assertThatThrownBy(block::retain).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(block::view).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(block::release).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void memoryStaysWithinCapacityAndExtentsNeverOverlap() {
        Random random = new Random(4);
        List<BlockArena.Extent> held = new ArrayList<>();
        List<byte[]> expected = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            BlockArena.Extent extent = arena.tryAllocate(1 + random.nextInt(20_000));
            if (extent != null) {
                byte[] content = new byte[extent.view().limit()];
                random.nextBytes(content);
                extent.view().put(content);
                held.add(extent);
                expected.add(content);
            }
            if (extent == null || random.nextInt(3) == 0) {
                int victim = random.nextInt(held.size());
                byte[] actual = new byte[held.get(victim).view().limit()];
                held.get(victim).view().get(actual);
                assertThat(actual).isEqualTo(expected.remove(victim));
                held.remove(victim).release();
            }
            assertThat(arena.usedBytes()).isLessThanOrEqualTo(arena.capacityBytes());
        }
        held.forEach(BlockArena.Extent::release);
        assertThat(arena.usedBytes()).isZero();
        assertThat(arena.reservedBytes()).isEqualTo(64 << 10);
        assertThat(arena.tryAllocate((64 << 10) + 1)).isNull();
    }
}
