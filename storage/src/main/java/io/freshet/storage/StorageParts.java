// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.read.SegmentReader;
import io.freshet.wal.WriteAheadLog;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.Executor;

/**
 * What a {@link StreamStorage} works with. It closes the WAL that it opened, and nothing else.
 *
 * @param objectStore where objects live
 * @param metadata the quorum
 * @param segmentReader reads objects, through the block cache
 * @param wal opens this broker's WAL
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
        WalOpener wal,
        Clock clock,
        Scheduler scheduler,
        Executor executor,
        MeterRegistry meters,
        int brokerId,
        long brokerEpoch) {
    /** Opens a WAL, giving everything that it holds to the visitor before it returns. May block: called once, at start. */
    public interface WalOpener {
        WriteAheadLog open(WriteAheadLog.RecoveryVisitor visitor);
    }
}
