// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.util.function.LongConsumer;
import org.apache.kafka.raft.RaftLog;

/**
 * Kafka's log, whose client reads again what replaces records that were cut off. Kafka's client (4.4.0) then forgets the voters of these
 * records, but goes on reading where its log ended before. It does not see voters in the records that come instead: until the next start
 * it counts the votes of an older set, and has none at all if the very first ones were replaced, nor does a snapshot that it writes
 * meanwhile. Raft's thread.
 */
final class RereadingLog extends ForwardedRaftLog {
    private final LongConsumer readAgainFrom;

    /** {@code readAgainFrom}: has the client's control records read from this offset on, if it is further. */
    RereadingLog(RaftLog log, LongConsumer readAgainFrom) {
        super(log);
        this.readAgainFrom = readAgainFrom;
    }

    @Override
    public void truncateTo(long offset) {
        super.truncateTo(offset);
        readAgainFrom.accept(offset);
    }
}
