// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

/** Counters of key compaction on this broker. */
final class CleaningMeters {
    final Counter passes;
    final Counter recordsRead;
    final Counter recordsRemoved;
    final Counter bytesRead;
    final Counter bytesRemoved;
    final Counter refused;
    final Counter failures;
    private volatile double maxDirtyRatio;
    private volatile int quarantined;

    CleaningMeters(MeterRegistry meters) {
        passes = meters.counter("freshet.cleaning.passes");
        recordsRead = meters.counter("freshet.cleaning.records.read");
        recordsRemoved = meters.counter("freshet.cleaning.records.removed");
        bytesRead = meters.counter("freshet.cleaning.bytes.read");
        bytesRemoved = meters.counter("freshet.cleaning.bytes.removed");
        refused = meters.counter("freshet.cleaning.refused");
        failures = meters.counter("freshet.cleaning.failures");
        Gauge.builder("freshet.cleaning.dirty.ratio", this, all -> all.maxDirtyRatio)
                .strongReference(true)
                .register(meters);
        Gauge.builder("freshet.cleaning.quarantined", this, all -> all.quarantined)
                .strongReference(true)
                .register(meters);
    }

    /** What a look at all partitions found: the greatest share of dirty bytes, and how many cannot be cleaned. */
    void looked(double newMaxDirtyRatio, int newQuarantined) {
        maxDirtyRatio = newMaxDirtyRatio;
        quarantined = newQuarantined;
    }
}
