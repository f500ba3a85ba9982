// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One key as all clients together saw it: which value stands at which offset, and what became of each value. */
final class KeyLog {
    private final String key;
    private final Findings findings;
    private final Map<Long, Long> valueAt = new HashMap<>();
    private final Map<Long, Fate> fates = new HashMap<>();
    private long highestPolled = -1;

    KeyLog(String key, Findings findings) {
        this.key = key;
        this.findings = findings;
    }

    /** What became of one value. */
    static final class Fate {
        boolean isInvoked;
        boolean isFailed;
        long offset = Step.UNKNOWN;
        long ackedNanos = -1;
        long polledNanos = -1;

        boolean isAcked() {
            return ackedNanos >= 0;
        }

        boolean isPolled() {
            return polledNanos >= 0;
        }
    }

    Fate fate(long value) {
        return fates.computeIfAbsent(value, any -> new Fate());
    }

    void invoked(long value) {
        fate(value).isInvoked = true;
    }

    void failed(long value) {
        fate(value).isFailed = true;
    }

    /** @param offset or {@link Step#UNKNOWN} */
    void acked(long value, long offset, long timeNanos) {
        fate(value).ackedNanos = timeNanos;
        if (offset != Step.UNKNOWN) {
            place(value, offset, "the acknowledgement");
        }
    }

    void polled(long value, long offset, long timeNanos) {
        Fate fate = fate(value);
        if (!fate.isPolled()) {
            fate.polledNanos = timeNanos;
        }
        highestPolled = Math.max(highestPolled, offset);
        place(value, offset, "a poll");
    }

    private void place(long value, long offset, String source) {
        Long other = valueAt.putIfAbsent(offset, value);
        if (other != null && other != value) {
            findings.add(
                    Anomaly.INCONSISTENT_OFFSETS,
                    "%s offset %d holds %d, and %d by %s",
                    key,
                    offset,
                    other,
                    value,
                    source);
        }
        Fate fate = fate(value);
        if (fate.offset == Step.UNKNOWN) {
            fate.offset = offset;
        } else if (fate.offset != offset && other == null) {
            findings.add(
                    Anomaly.DUPLICATE,
                    "%s value %d is at %d, and by %s at %d",
                    key,
                    value,
                    fate.offset,
                    source,
                    offset);
        }
    }

    /** Judges each value, when the history is over. */
    void judge(Totals totals) {
        fates.forEach((value, fate) -> {
            judge(value, fate);
            totals.add(fate);
        });
    }

    private void judge(long value, Fate fate) {
        if (fate.isPolled() && !fate.isInvoked) {
            findings.add(Anomaly.UNSENT_READ, "%s offset %d holds %d", key, fate.offset, value);
        }
        if (fate.isPolled() && fate.isFailed) {
            findings.add(Anomaly.ABORTED_READ, "%s value %d at %d", key, value, fate.offset);
        }
        if (!fate.isAcked() || fate.isPolled()) {
            return;
        }
        if (fate.offset != Step.UNKNOWN && fate.offset <= highestPolled) {
            findings.add(
                    Anomaly.LOST_WRITE,
                    "%s value %d, acknowledged at offset %d after %.3f s, was never read; reads went to offset %d",
                    key,
                    value,
                    fate.offset,
                    fate.ackedNanos / 1e9,
                    highestPolled);
        } else {
            findings.add(
                    Anomaly.UNSEEN,
                    "%s value %d, acknowledged at offset %d after %.3f s, was never read; reads ended at offset %d",
                    key,
                    value,
                    fate.offset,
                    fate.ackedNanos / 1e9,
                    highestPolled);
        }
    }

    /** Offsets at which something is known to be, ascending. */
    long[] offsets() {
        long[] all = valueAt.keySet().stream().mapToLong(Long::longValue).toArray();
        Arrays.sort(all);
        return all;
    }

    /** The lowest known offset above {@code offset}; null if there is none. */
    static @Nullable Long next(long[] offsets, long offset) {
        int found = Arrays.binarySearch(offsets, offset);
        int next = found >= 0 ? found + 1 : -found - 1;
        return next < offsets.length ? offsets[next] : null;
    }
}
