// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.stream;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** Counters of all open streams. */
public final class StreamMeters {
    final Counter throttledAppends;
    final Counter tailReads;
    final Counter segmentReads;
    final Counter reloads;

    public StreamMeters(MeterRegistry meters) {
        throttledAppends = meters.counter("freshet.storage.append.throttled");
        tailReads = meters.counter("freshet.storage.read.tail");
        segmentReads = meters.counter("freshet.storage.read.segments");
        reloads = meters.counter("freshet.storage.read.reloads");
    }
}
