// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.runtime.Scheduler;
import java.util.concurrent.Executor;

/**
 * The threads that a metadata node runs on; a simulation brings its own. Executors refuse by RejectedExecutionException when
 * they are full or stopped.
 */
public interface NodeThreads {
    /** One thread, in order: the writer of the node's state. */
    Executor metadata();

    /** One thread, in order, on which snapshots are written. */
    Executor snapshots();

    /** One thread on which plans for balancing are made. */
    Executor planning();

    /** One thread that answers what other nodes ask of the state. */
    Executor queries();

    /** For what is done again and again. */
    Scheduler ticks();

    /** Ends the ticks, before anything else is stopped. */
    void stopTicks();

    /** Waits for snapshots, plans and answers under way; afterwards their executors refuse. */
    void stopBackground();

    /** Waits for what was handed to the metadata thread; afterwards it refuses. */
    void stopMetadata();
}
