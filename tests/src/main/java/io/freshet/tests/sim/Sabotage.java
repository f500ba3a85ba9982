// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.metadata.ClusterController;
import io.freshet.storage.read.SegmentReader;
import io.freshet.wal.WriteAheadLog;
import io.freshet.wal.s3.WalCatalog;

/**
 * Where tests break the product on purpose, to see that the simulator finds it: wrappers around its ports. This one breaks
 * nothing.
 */
public class Sabotage {
    public static final Sabotage NONE = new Sabotage();

    /** Whether put-if-absent always puts. */
    public boolean putsAlways() {
        return false;
    }

    /** A process was told that its put-if-absent has created the object. */
    public void created(SimProcess process, String key, byte[] bytes) {}

    /** The WAL that storage is given. */
    public WriteAheadLog wal(WriteAheadLog real, SimProcess process, SimRandom random) {
        return real;
    }

    /** The reader that storage is given. */
    public SegmentReader reader(SegmentReader real, SimRandom random) {
        return real;
    }

    /** The quorum that commands reach. */
    public ClusterController controller(SimQuorum quorum) {
        return quorum.controller();
    }

    /** The S3 WALs that streams are opened from. */
    public WalCatalog catalog(WalCatalog real) {
        return real;
    }

    /** The metadata that storage is given. */
    public io.freshet.storage.StreamMetadata metadata(io.freshet.storage.StreamMetadata real) {
        return real;
    }
}
