// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Which streams the slots of one WAL hold, as far as they were read. Eight bytes a stream and slot. Used by tasks only. */
final class SlotDirectory {
    private final Map<Long, long[]> streamsBySlot = new HashMap<>();
    private long[] streams = new long[64];
    private int count;

    /** A slot that is being visited holds records of the stream; a stream's records follow each other. */
    void note(long slot, long streamId) {
        if (streamsBySlot.containsKey(slot) || (count > 0 && streams[count - 1] == streamId)) {
            return;
        }
        if (count == streams.length) {
            streams = Arrays.copyOf(streams, 2 * count);
        }
        streams[count++] = streamId;
    }

    /** All of the slot was noted. */
    void ended(long slot) {
        if (count > 0) {
            streamsBySlot.putIfAbsent(slot, Arrays.copyOf(streams, count));
            count = 0;
        }
    }

    /** Whether the slot holds one of the streams, or was never read. */
    boolean mayHold(long slot, Set<Long> wanted) {
        long[] held = streamsBySlot.get(slot);
        if (held == null) {
            return true;
        }
        for (long streamId : held) {
            if (wanted.contains(streamId)) {
                return true;
            }
        }
        return false;
    }
}
