// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToDoubleFunction;

/** Counters of compaction on this broker; the gauges are as of its last look at the whole store. */
final class CompactionMeters {
    final Counter rounds;
    final Counter objectsWritten;
    final Counter bytesWritten;
    final Counter bytesRewritten;
    final Counter refusedStreams;
    final Counter failures;
    final Counter corruptInputs;
    private final MeterRegistry meters;

    CompactionMeters(MeterRegistry meters) {
        this.meters = meters;
        rounds = meters.counter("freshet.compaction.rounds");
        objectsWritten = meters.counter("freshet.compaction.objects.written");
        bytesWritten = meters.counter("freshet.compaction.bytes.written");
        bytesRewritten = meters.counter("freshet.compaction.bytes.rewritten");
        refusedStreams = meters.counter("freshet.compaction.refused.streams");
        failures = meters.counter("freshet.compaction.failures");
        corruptInputs = meters.counter("freshet.compaction.corrupt.inputs");
    }

    <T> void gauge(String name, T source, ToDoubleFunction<T> value) {
        Gauge.builder("freshet.compaction." + name, source, value)
                .strongReference(true)
                .register(meters);
    }
}
