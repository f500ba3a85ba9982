// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.upload;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

/** Counters of uploads. */
final class UploadMeters {
    final Counter objects;
    final Counter bytes;
    final Counter segments;
    final Counter refusedSegments;
    final Timer roundTime;

    UploadMeters(MeterRegistry meters) {
        objects = meters.counter("freshet.storage.upload.objects");
        bytes = meters.counter("freshet.storage.upload.bytes");
        segments = meters.counter("freshet.storage.upload.segments");
        refusedSegments = meters.counter("freshet.storage.upload.refused.segments");
        roundTime = meters.timer("freshet.storage.upload.round");
    }
}
