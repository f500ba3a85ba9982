// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.metadata.ClusterController;
import io.freshet.storage.read.SegmentReader;
import io.freshet.wal.WriteAheadLog;

/**
 * Where tests break the product on purpose, to see that the simulator finds it: wrappers around its ports. This one breaks
 * nothing.
 */
class Sabotage {
    static final Sabotage NONE = new Sabotage();

    /** Whether put-if-absent always puts. */
    boolean putsAlways() {
        return false;
    }

    /** A process was told that its put-if-absent has created the object. */
    void created(SimProcess process, String key, byte[] bytes) {}

    /** The WAL that storage is given. */
    WriteAheadLog wal(WriteAheadLog real, SimProcess process, SimRandom random) {
        return real;
    }

    /** The reader that storage is given. */
    SegmentReader reader(SegmentReader real, SimRandom random) {
        return real;
    }

    /** The quorum that commands reach. */
    ClusterController controller(SimQuorum quorum) {
        return quorum.controller();
    }

    /** The metadata that storage is given. */
    io.freshet.storage.StreamMetadata metadata(io.freshet.storage.StreamMetadata real) {
        return real;
    }
}
