// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.log.MetadataLog;

/** Where tests break the quorum on purpose, to see that the simulator finds it. This one breaks nothing. */
public class QuorumSabotage {
    public static final QuorumSabotage NONE = new QuorumSabotage();

    /** Whether a flush of the log makes anything durable. */
    public boolean flushes() {
        return true;
    }

    /** Whether a disk loses the votes with the process. */
    public boolean forgetsVotes() {
        return false;
    }

    /** Whether each command is sent twice as if it were two. */
    public boolean sendsCommandsTwice() {
        return false;
    }

    /** Whether a broker acts as owner though its lease is over. */
    public boolean ignoresLeases() {
        return false;
    }

    /** Whether leases are audited; what a broker that does not honour them is kept from by its WAL's fence is seen only without. */
    public boolean leavesLeasesUnaudited() {
        return false;
    }

    /** The log that a node is given. */
    public MetadataLog log(MetadataLog real) {
        return real;
    }
}
