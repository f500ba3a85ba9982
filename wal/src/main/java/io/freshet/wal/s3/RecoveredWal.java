// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import java.util.List;
import java.util.Map;

/**
 * A sealed WAL that has been read.
 *
 * @param brokerId its owner
 * @param brokerEpoch the owner's registration
 * @param startSlot first slot that was read
 * @param endSlot slot after the last one; a fence lies there
 * @param firstLsn LSN of the records in {@code startSlot}; each further slot has the next LSN
 * @param slotBytes size of each slot
 * @param streamEnds for each stream with records in these slots, the end offset of the last one
 * @param recordCount records that the visitor saw
 */
public record RecoveredWal(
        int brokerId,
        long brokerEpoch,
        long startSlot,
        long endSlot,
        long firstLsn,
        List<Long> slotBytes,
        Map<Long, Long> streamEnds,
        long recordCount) {
    public RecoveredWal {
        slotBytes = List.copyOf(slotBytes);
        streamEnds = Map.copyOf(streamEnds);
    }

    /** LSN after its last record. */
    public long endLsn() {
        return firstLsn + (endSlot - startSlot);
    }
}
