// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.wal.WalEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/** The batch that fills: entries in the order in which they were handed over, up to a number of bytes. Used by the lane only. */
final class OpenBatch {
    private final Queue<WalEntry> queue;
    private final int maxBytes;
    private List<WalEntry> entries = new ArrayList<>();
    private long sizeBytes;
    private long openedAtNs;
    private boolean isFull;

    OpenBatch(Queue<WalEntry> queue, int maxBytes) {
        this.queue = queue;
        this.maxBytes = maxBytes;
    }

    /** Takes what fits; a single entry always does. */
    void gather(long nowNs) {
        while (!isFull) {
            WalEntry entry = queue.peek();
            if (entry == null) {
                return;
            }
            int size = entry.payloadSizeBytes();
            if (!entries.isEmpty() && sizeBytes + size > maxBytes) {
                isFull = true;
                return;
            }
            if (entries.isEmpty()) {
                openedAtNs = nowNs;
            }
            entries.add(entry);
            sizeBytes += size;
            isFull = sizeBytes >= maxBytes;
            queue.remove();
        }
    }

    /** Its entries so far. */
    List<WalEntry> entries() {
        return entries;
    }

    /** Its entries; a new batch begins. */
    List<WalEntry> close() {
        List<WalEntry> closed = entries;
        entries = new ArrayList<>();
        sizeBytes = 0;
        isFull = false;
        return closed;
    }

    boolean isEmpty() {
        return entries.isEmpty();
    }

    /** Whether it has its bytes, or the next entry does not fit. */
    boolean isFull() {
        return isFull;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** When its first entry was taken. */
    long openedAtNs() {
        return openedAtNs;
    }
}
