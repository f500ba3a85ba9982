// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.handover;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

/** What is counted of hand-overs. */
final class HandOverMeters {
    /** Partitions that were moved. */
    final Counter moved;
    /** Partitions that were parked in vain. */
    final Counter unparked;
    /** Commands whose outcome was not known at first. */
    final Counter indeterminate;
    /** From the stop of a round's partitions to the answer of the command that moves them. */
    final Timer parked;

    HandOverMeters(MeterRegistry meters) {
        moved = meters.counter("freshet.handover.moved");
        unparked = meters.counter("freshet.handover.unparked");
        indeterminate = meters.counter("freshet.handover.indeterminate");
        parked = Timer.builder("freshet.handover.parked").register(meters);
    }
}
