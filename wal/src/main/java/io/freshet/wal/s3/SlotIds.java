// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A stock of reserved object ids, the nonces of slots. Asks for more when it runs low, so that no slot waits for the quorum in
 * the usual case. Used by the lane only.
 */
final class SlotIds {
    private static final Logger LOG = LoggerFactory.getLogger(SlotIds.class);
    private static final int RANGE = 1024;
    private static final int LOW = 256;

    private final WalRegistry registry;
    private final SerialTasks tasks;
    private final Backoff backoff;
    private final Consumer<FreshetException> onFenced;
    private long next;
    private long end;
    private long reserveFirst;
    private long reserveEnd;
    private boolean isAsking;
    private int failures;

    /** {@code onFenced} is told when the quorum refuses this registration. */
    SlotIds(WalRegistry registry, SerialTasks tasks, Backoff backoff, Consumer<FreshetException> onFenced) {
        this.registry = registry;
        this.tasks = tasks;
        this.backoff = backoff;
        this.onFenced = onFenced;
    }

    /** Whether {@link #next} may be called; if not, the lane runs a round when it may. */
    boolean hasNext() {
        if (next == end) {
            next = reserveFirst;
            end = reserveEnd;
            reserveFirst = reserveEnd;
        }
        if (end - next + (reserveEnd - reserveFirst) < LOW) {
            ask();
        }
        return next < end;
    }

    /** Asks for the first ids, so that the first slot finds them. */
    void prepare() {
        ask();
    }

    long next() {
        return next++;
    }

    private void ask() {
        if (isAsking) {
            return;
        }
        isAsking = true;
        Backoff.start(() -> registry.reserveObjectIds(RANGE))
                .whenComplete((range, error) -> tasks.execute(() -> {
                    if (error == null) {
                        isAsking = false;
                        failures = 0;
                        reserveFirst = range.first();
                        reserveEnd = range.end();
                    } else {
                        failed(FreshetException.of(error));
                    }
                }));
    }

    private void failed(FreshetException failure) {
        if (failure.kind() == ErrorKind.FENCED) {
            onFenced.accept(failure);
            return;
        }
        failures++;
        if (failures == 1 || failures % 60 == 0) {
            LOG.warn("The S3 WAL could not reserve ids for slots ({}); it tries again", failure.getMessage());
        }
        backoff.later(failures, () -> isAsking = false);
    }
}
