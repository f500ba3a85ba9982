// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.NodeThreads;
import io.freshet.tests.sim.SimProcess;
import io.freshet.tests.sim.SimRandom;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Executor;

/** A metadata node's threads in one simulated process. */
final class SimThreads implements NodeThreads {
    private final SimProcess process;
    private final SimRandom random;
    private final Executor metadata;
    private final Executor planning;
    private final Executor queries;
    private final Deque<Runnable> snapshots = new ArrayDeque<>();

    SimThreads(SimProcess process, SimRandom random) {
        this.process = process;
        this.random = random;
        this.metadata = process.thread("metadata");
        this.planning = process.thread("planning");
        this.queries = process.thread("queries");
    }

    @Override
    public Executor metadata() {
        return metadata;
    }

    /** A snapshot takes a while. */
    @Override
    public Executor snapshots() {
        return task -> {
            snapshots.add(task);
            process.time().schedule(process, random.between(100_000, 80_000_000), "snapshot", this::writeNext);
        };
    }

    private void writeNext() {
        Runnable next = snapshots.poll();
        if (next != null) {
            next.run();
        }
    }

    /** The process is gone: snapshots that were to be written find no log, and let go of the tables. */
    void die() {
        while (!snapshots.isEmpty()) {
            writeNext();
        }
    }

    @Override
    public Executor planning() {
        return planning;
    }

    @Override
    public Executor queries() {
        return queries;
    }

    @Override
    public Scheduler ticks() {
        return process;
    }

    @Override
    public void stopTicks() {}

    @Override
    public void stopBackground() {}

    @Override
    public void stopMetadata() {}
}
