// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.runtime.Scheduler;
import io.freshet.common.runtime.Threads;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;

/** Threads of the node's own. */
final class OwnThreads implements NodeThreads {
    /** Far above what can wait: the log hands over one reader at a time, commands take one task together. */
    private static final int MAX_TASKS = 100_000;

    /** Each holds a snapshot of the tables. */
    private static final int MAX_QUERIES = 1_000;

    private static final Duration STOP_WITHIN = Duration.ofSeconds(30);

    private final ExecutorService metadata = Threads.pool("freshet-metadata", 1, MAX_TASKS);
    private final ExecutorService snapshots = Threads.pool("freshet-metadata-snapshot", 1, 4);
    private final ExecutorService planning = Threads.pool("freshet-metadata-balance", 1, 16);
    private final ExecutorService queries = Threads.pool("freshet-metadata-query", 1, MAX_QUERIES);
    private final Threads.SchedulerThread ticks = Threads.scheduler("freshet-metadata-upkeep");

    @Override
    public Executor metadata() {
        return metadata;
    }

    @Override
    public Executor snapshots() {
        return snapshots;
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
        return ticks;
    }

    @Override
    public void stopTicks() {
        ticks.close();
    }

    @Override
    public void stopBackground() {
        Threads.stop(snapshots, STOP_WITHIN);
        Threads.stop(planning, STOP_WITHIN);
        Threads.stop(queries, STOP_WITHIN);
    }

    @Override
    public void stopMetadata() {
        Threads.stop(metadata, STOP_WITHIN);
    }
}
