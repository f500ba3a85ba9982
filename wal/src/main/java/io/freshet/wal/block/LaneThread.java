// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.runtime.Threads;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A thread of its own, which parks to rest. */
final class LaneThread implements LaneDrive {
    private final String name;
    private volatile @Nullable Thread thread;

    LaneThread(String name) {
        this.name = name;
    }

    @Override
    public void start(Cycle cycle) {
        Thread started = Threads.newThread(name, () -> run(cycle));
        thread = started;
        started.start();
    }

    private void run(Cycle cycle) {
        Next next = cycle.round();
        while (next != Next.END) {
            if (next == Next.REST) {
                if (cycle.isIdle()) {
                    LockSupport.park(this);
                }
                cycle.resumed();
            }
            next = cycle.round();
        }
    }

    @Override
    public void wake() {
        LockSupport.unpark(thread);
    }

    @Override
    public void close() {
        Thread running = thread;
        boolean isInterrupted = false;
        while (running != null && running.isAlive()) {
            try {
                running.join();
            } catch (InterruptedException e) {
                isInterrupted = true;
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
