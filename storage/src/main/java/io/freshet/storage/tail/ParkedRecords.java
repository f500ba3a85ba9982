// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import java.util.ArrayList;
import java.util.List;

/** Recovered records of one stream behind a gap that a sealed WAL is to fill. Changed under the stream's lock. */
final class ParkedRecords {
    private volatile List<RecoveredRecord> records = List.of();

    void add(List<RecoveredRecord> ownedRecords) {
        List<RecoveredRecord> all = new ArrayList<>(records);
        all.addAll(ownedRecords);
        records = List.copyOf(all);
    }

    List<RecoveredRecord> take() {
        List<RecoveredRecord> taken = records;
        records = List.of();
        return taken;
    }

    List<RecoveredRecord> retain() {
        records.forEach(record -> record.bytes().retain());
        return records;
    }

    boolean isAny() {
        return !records.isEmpty();
    }

    /** Least LSN in the lane of index {@code lane}; {@link Long#MAX_VALUE} if there is none. */
    long firstLsn(int lane) {
        long first = Long.MAX_VALUE;
        for (RecoveredRecord record : records) {
            if (record.lane() == lane) {
                first = Math.min(first, record.lsn());
            }
        }
        return first;
    }
}
