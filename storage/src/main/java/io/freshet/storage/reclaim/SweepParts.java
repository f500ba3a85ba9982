// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.reclaim;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * What a sweep works with. It closes none of it.
 *
 * @param objectStore the store that is swept
 * @param catchUp completes when the quorum as seen here has everything that was committed before the call
 * @param clock time for ages
 * @param scheduler runs slices; never blocked
 * @param meters for {@code freshet.storage.*}
 * @param periodMs pause between two slices
 * @param graceMs least age of what is deleted
 * @param brokerId whose sweep it is: its memory of what it has seen lies under {@code sweep/<broker>/}
 */
public record SweepParts(
        ObjectStore objectStore,
        Supplier<CompletableFuture<Void>> catchUp,
        Clock clock,
        Scheduler scheduler,
        MeterRegistry meters,
        long periodMs,
        long graceMs,
        int brokerId) {
    static SweepParts of(StorageConfig config, StorageParts parts) {
        return new SweepParts(
                parts.objectStore(),
                parts.metadata()::catchUp,
                parts.clock(),
                parts.scheduler(),
                parts.meters(),
                config.sweepPeriodMs(),
                config.orphanGraceMs(),
                parts.brokerId());
    }
}
