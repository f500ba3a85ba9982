// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

/** Turns a lane's duty cycle round, one round at a time, and lets it rest when there is nothing to do. */
interface LaneDrive {
    /** Begins. Called once. */
    void start(Cycle cycle);

    /** Ends a rest. Any thread; calls while the cycle does not rest do no harm. */
    void wake();

    /** Returns when the cycle has ended. Not for the thread that turns it. */
    void close();

    /** How to go on after a round. */
    enum Next {
        AGAIN,
        REST,
        END
    }

    /** The duty cycle. */
    interface Cycle {
        Next round();

        /** Before a rest: announces it, then looks once more whether it may begin. */
        boolean isIdle();

        /** After a rest, or one that was called off. */
        void resumed();
    }
}
