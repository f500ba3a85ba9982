// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamLog.StreamRead;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads of what a tail holds in memory, under its lock: slices by reference, never copies. */
final class TailReads {
    private final StreamTail tail;
    private final TailBatches entries;

    /** @param entries guarded by {@code tail}'s lock */
    TailReads(StreamTail tail, TailBatches entries) {
        this.tail = tail;
        this.entries = entries;
    }

    /** As {@link StreamTail#read}. */
    @Nullable
    StreamRead read(long offset, int maxBytes, long toOffset, boolean minOneBatch) {
        List<SharedBytes> pieces = new ArrayList<>();
        long first = -1;
        long last = -1;
        synchronized (tail) {
            if (offset < (entries.count() > 0 ? entries.get(0).baseOffset() : tail.endOffset())) {
                return null;
            }
            int left = maxBytes;
            for (int i = entries.indexEndingAfter(offset); i < entries.count(); i++) {
                TailEntry entry = entries.get(i);
                if (entry.baseOffset() >= toOffset) {
                    break;
                }
                int size = entry.payloadSizeBytes();
                boolean whole = entry.baseOffset() >= offset && entry.endOffset() <= toOffset && size <= left;
                if (whole) {
                    pieces.add(entry.bytes().retain());
                    first = first < 0 ? entry.baseOffset() : first;
                    last = entry.endOffset();
                    left -= size;
                    continue;
                }
                ByteBuffer view = entry.payload();
                int from = BatchSlices.positionEndingAfter(view, offset);
                int to = BatchSlices.endPosition(view, from, left, toOffset, minOneBatch && pieces.isEmpty());
                if (to > from) {
                    pieces.add(entry.bytes().retainedSlice(from - view.position(), to - from));
                    first = first < 0 ? view.getLong(from) : first;
                    last = BatchSlices.lastEndOffset(view, from, to);
                    left -= to - from;
                }
                if (to < view.limit()) {
                    break;
                }
            }
        }
        return pieces.isEmpty() ? StreamRead.EMPTY : new StreamRead(pieces, first, last);
    }

    /** As {@link StreamTail#forEachBatch}. */
    void forEachBatch(long fromOffset, Consumer<ByteBuffer> visitor) {
        List<SharedBytes> held = new ArrayList<>();
        synchronized (tail) {
            for (int i = entries.indexEndingAfter(fromOffset); i < entries.count(); i++) {
                held.add(entries.get(i).bytes().retain());
            }
        }
        try {
            for (SharedBytes bytes : held) {
                BatchSlices.forEach(bytes.view(), fromOffset, visitor);
            }
        } finally {
            held.forEach(SharedBytes::release);
        }
    }

    /** As {@link StreamTail#batchAtOrAfterTimestamp}. */
    OptionalLong batchAtOrAfterTimestamp(long fromOffset, long toOffset, long timestampMs) {
        synchronized (tail) {
            for (int i = entries.indexEndingAfter(fromOffset); i < entries.count(); i++) {
                TailEntry entry = entries.get(i);
                if (entry.baseOffset() >= toOffset) {
                    break;
                }
                if (entry.maxTimestampMs() >= timestampMs) {
                    OptionalLong found =
                            BatchSlices.batchAtOrAfterTimestamp(entry.payload(), fromOffset, toOffset, timestampMs);
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
        }
        return OptionalLong.empty();
    }

    /** As {@link StreamTail#maxTimestampMs}. */
    long maxTimestampMs(long fromOffset, long toOffset) {
        long[] max = {-1};
        synchronized (tail) {
            for (int i = entries.indexEndingAfter(fromOffset); i < entries.count(); i++) {
                TailEntry entry = entries.get(i);
                if (entry.baseOffset() >= toOffset) {
                    break;
                }
                if (entry.maxTimestampMs() > max[0]) {
                    if (entry.baseOffset() >= fromOffset && entry.endOffset() <= toOffset) {
                        max[0] = entry.maxTimestampMs();
                    } else {
                        BatchSlices.forEach(entry.payload(), fromOffset, batch -> {
                            if (batch.getLong(0) < toOffset) {
                                max[0] = Math.max(max[0], BatchSlices.maxTimestampMs(batch));
                            }
                        });
                    }
                }
            }
        }
        return max[0];
    }
}
