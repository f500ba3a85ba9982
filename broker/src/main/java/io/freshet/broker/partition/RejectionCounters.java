// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import org.apache.kafka.storage.internals.log.LogValidator;

/** Counts refused batches by reason as {@code freshet.produce.rejected}. */
public final class RejectionCounters implements LogValidator.MetricsRecorder {
    private final Counter magic;
    private final Counter offset;
    private final Counter sequence;
    private final Counter checksum;
    private final Counter key;

    public RejectionCounters(MeterRegistry meters) {
        this.magic = meters.counter("freshet.produce.rejected", "reason", "magic");
        this.offset = meters.counter("freshet.produce.rejected", "reason", "offset");
        this.sequence = meters.counter("freshet.produce.rejected", "reason", "sequence");
        this.checksum = meters.counter("freshet.produce.rejected", "reason", "checksum");
        this.key = meters.counter("freshet.produce.rejected", "reason", "key");
    }

    @Override
    public void recordInvalidMagic() {
        magic.increment();
    }

    @Override
    public void recordInvalidOffset() {
        offset.increment();
    }

    @Override
    public void recordInvalidSequence() {
        sequence.increment();
    }

    @Override
    public void recordInvalidChecksums() {
        checksum.increment();
    }

    @Override
    public void recordNoKeyCompactedTopic() {
        key.increment();
    }
}
