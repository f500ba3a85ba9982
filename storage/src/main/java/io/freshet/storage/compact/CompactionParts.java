// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Scheduler;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.StreamMetadata;
import io.freshet.storage.cache.IndexCache;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;

/**
 * What a {@link CompactionService} works with. It closes none of it.
 *
 * @param objectStore where objects live; read directly, not through the block cache
 * @param metadata the quorum
 * @param compaction the quorum's commands for compaction
 * @param clock time for rates, leases and ages
 * @param scheduler runs triggers; never blocked
 * @param randomness jitter between rounds
 * @param executor looks for work and encodes (CPU work); one thread is enough and all that is used at a time
 * @param meters for {@code freshet.compaction.*}
 * @param isPaused whether the broker has no room for compaction now, such as while its tail is overloaded
 * @param orphanGraceMs age after which an object that the quorum does not know may be deleted: an object is committed
 *     within half of it, or given up
 * @param brokerId this broker
 * @param brokerEpoch this process's registration
 */
public record CompactionParts(
        ObjectStore objectStore,
        StreamMetadata metadata,
        CompactionMetadata compaction,
        Clock clock,
        Scheduler scheduler,
        Randomness randomness,
        Executor executor,
        MeterRegistry meters,
        BooleanSupplier isPaused,
        long orphanGraceMs,
        int brokerId,
        long brokerEpoch) {
    /** The indexes of inputs, whose sizes the quorum knows. */
    IndexCache indexes(long maxHeapBytes, int tailHintBytes) {
        return new IndexCache(objectStore, maxHeapBytes, tailHintBytes, compaction::objectSizeBytes, meters);
    }
}
