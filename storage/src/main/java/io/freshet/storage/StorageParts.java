// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.read.SegmentReader;
import io.freshet.wal.WriteAheadLog;
import io.freshet.wal.s3.SealedWals;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * What a {@link StreamStorage} works with. It closes the WAL lanes that it opened, and nothing else.
 *
 * @param objectStore where objects live
 * @param metadata the quorum
 * @param segmentReader reads objects, through the block cache
 * @param lanes this broker's WAL lanes; streams use the first unless told otherwise. Every lane that may still hold records
 *     of this broker must be among them
 * @param sealedWals the sealed S3 WALs of all brokers, for streams whose last records are in one; without it they are not
 *     looked into
 * @param clock time for ages and grace periods
 * @param scheduler runs triggers; never blocked
 * @param executor encodes uploads (CPU work); at least one thread, more than one lets uploads overlap. It must take tasks
 *     while storage is open: only a few wait at any time
 * @param meters for {@code freshet.storage.*}
 * @param brokerId this broker
 * @param brokerEpoch this process's registration
 */
public record StorageParts(
        ObjectStore objectStore,
        StreamMetadata metadata,
        SegmentReader segmentReader,
        List<Lane> lanes,
        Optional<SealedWals> sealedWals,
        Clock clock,
        Scheduler scheduler,
        Executor executor,
        MeterRegistry meters,
        int brokerId,
        long brokerEpoch) {
    public StorageParts {
        lanes = List.copyOf(lanes);
    }

    /** Parts of a broker that takes no streams over. */
    public StorageParts(
            ObjectStore objectStore,
            StreamMetadata metadata,
            SegmentReader segmentReader,
            List<Lane> lanes,
            Clock clock,
            Scheduler scheduler,
            Executor executor,
            MeterRegistry meters,
            int brokerId,
            long brokerEpoch) {
        this(
                objectStore,
                metadata,
                segmentReader,
                lanes,
                Optional.empty(),
                clock,
                scheduler,
                executor,
                meters,
                brokerId,
                brokerEpoch);
    }

    /**
     * A WAL lane.
     *
     * @param name what topics call it
     * @param reopener replaces the lane's WAL when it has failed; without one the lane stays failed
     */
    public record Lane(String name, WalOpener opener, Optional<WalReopener> reopener) {
        /** A lane whose failure is final. */
        public Lane(String name, WalOpener opener) {
            this(name, opener, Optional.empty());
        }
    }

    /**
     * Makes a new, empty WAL in the place of a failed one, whose LSNs lie behind the failed one's. Called on an executor's thread
     * when everything that the lane acknowledged is committed, and again after a while if it fails (FreshetException). May block.
     */
    public interface WalReopener {
        WriteAheadLog reopen();
    }

    /** Opens a WAL, giving everything that it holds to the visitor before it returns. May block: called once, at start. */
    public interface WalOpener {
        WriteAheadLog open(WriteAheadLog.RecoveryVisitor visitor);
    }
}
