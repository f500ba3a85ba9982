// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

import java.nio.ByteBuffer;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

/**
 * A block is read, and evicted once, by threads that know nothing of each other: in every interleaving its memory is freed once,
 * after the last reader.
 */
public class BlockReferencesLincheckTest {
    private volatile int freed;
    private final CachedBlock block = new CachedBlock(ByteBuffer.allocate(1), 4096, this::countFreed, () -> {});

    private volatile boolean isEvicted;

    private void countFreed() {
        synchronized (this) {
            freed++;
        }
    }

    /** Whether the memory stayed while this reader held it. */
    @Operation
    public boolean readsLiveMemory() {
        if (!block.tryRetain()) {
            return true;
        }
        boolean isLive = freed == 0;
        block.release();
        return isLive;
    }

    @Operation(runOnce = true)
    public void evict() {
        isEvicted = true;
        block.releaseInCache();
    }

    @Validate
    public void isFreedOnceAfterEviction() {
        if (freed != (isEvicted ? 1 : 0)) {
            throw new IllegalStateException("Freed " + freed + " times, evicted: " + isEvicted);
        }
    }

    @Test
    void noInterleavingFreesTooEarlyOrTwice() {
        new ModelCheckingOptions()
                .iterations(10)
                .invocationsPerIteration(300)
                .threads(3)
                .actorsPerThread(2)
                .check(BlockReferencesLincheckTest.class);
    }

    @Test
    void realThreadsAgree() {
        new StressOptions()
                .iterations(5)
                .invocationsPerIteration(1000)
                .threads(2)
                .actorsPerThread(3)
                .check(BlockReferencesLincheckTest.class);
    }
}
