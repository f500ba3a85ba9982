// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import org.jspecify.annotations.Nullable;

/** Those who write and read records during a {@link Course}, and hold what is stored against what they were promised. */
public interface Workload {
    /** The cluster serves, and a first topic is asked for. */
    void start(Course course);

    /** For how long a cluster is used and hurt at most. */
    long longestUseMs();

    /** A moment of use has passed. */
    void step();

    /** Nothing fails any more, and nothing new is begun. */
    void heal();

    /** Whose work is not done yet though everything is healed; null if nobody's. */
    @Nullable
    String whoWaits();

    /** The cluster is healed and serves: all that was appended becomes committed. */
    void settle(Course course);

    /** Holds what is committed against what was promised. Everything is committed. */
    void audit();

    /** The first promise that was broken; null if none was. */
    @Nullable
    String violation();

    /** How many appends were acknowledged. */
    long acknowledged();

    /** How many batches were read. */
    long consumed();
}
