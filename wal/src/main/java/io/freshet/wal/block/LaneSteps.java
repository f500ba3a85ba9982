// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** No thread: each round is a task of an executor that runs one task at a time. */
final class LaneSteps implements LaneDrive {
    private final Executor executor;
    private @Nullable Cycle cycle;
    private boolean isScheduled;
    private boolean hasEnded;

    LaneSteps(Executor executor) {
        this.executor = executor;
    }

    @Override
    public void start(Cycle started) {
        cycle = started;
        wake();
    }

    @Override
    public void wake() {
        if (!isScheduled && !hasEnded) {
            isScheduled = true;
            executor.execute(this::step);
        }
    }

    private void step() {
        isScheduled = false;
        Cycle turned = cycle;
        if (hasEnded || turned == null) {
            return;
        }
        turned.resumed();
        Next next = turned.round();
        if (next == Next.END) {
            hasEnded = true;
        } else if (next == Next.AGAIN || !turned.isIdle()) {
            wake();
        }
    }

    @Override
    public void close() {
        while (!hasEnded) {
            step();
        }
    }
}
