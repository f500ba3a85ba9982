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
    private final BlockArena arena = new BlockArena(64 << 10, Runnable::run, NOTHING);

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

    @Test
    void memoryComesLaterWhereAnExecutorBringsIt() {
        List<Runnable> growth = new ArrayList<>();
        int[] told = new int[1];
        BlockArena slow = new BlockArena(64 << 10, growth::add, () -> told[0]++);
        assertThat(slow.tryAllocate(4096)).isNull();
        assertThat(slow.tryAllocate(4096)).isNull();
        assertThat(slow.isGrowing()).isTrue();
        assertThat(growth).hasSize(1);
        growth.get(0).run();
        assertThat(told[0]).isOne();
        assertThat(slow.isGrowing()).isFalse();
        assertThat(slow.tryAllocate(4096)).isNotNull();
        assertThat(growth).hasSize(1);
    }

    @Test
    void theNextSlabIsBegunBeforeTheLastIsFull() {
        List<Runnable> growth = new ArrayList<>();
        BlockArena large = new BlockArena(64L << 20, growth::add, NOTHING);
        assertThat(large.tryAllocate(1 << 20)).isNull();
        growth.get(0).run();
        for (int i = 0; i < 16; i++) {
            assertThat(growth).hasSize(1);
            assertThat(large.tryAllocate(1 << 20)).isNotNull();
        }
        assertThat(large.tryAllocate(1 << 20)).isNotNull();
        assertThat(growth).hasSize(2);
    }
}
