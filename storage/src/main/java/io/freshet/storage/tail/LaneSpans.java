// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import java.util.ArrayList;
import java.util.List;

/**
 * Which offsets of a tail went to which lane: runs in offset order, one as long as the stream does not change its lane. Not
 * thread-safe: guarded by its stream's lock.
 */
final class LaneSpans {
    private record Span(long startOffset, int lane) {}

    private final List<Span> spans = new ArrayList<>(1);

    /** What begins at {@code baseOffset}, the tail's end, is in {@code lane}. */
    void add(long baseOffset, int lane) {
        int last = spans.size() - 1;
        if (last < 0 || spans.get(last).lane() != lane) {
            spans.add(new Span(baseOffset, lane));
        }
    }

    /** Nothing at or behind {@code endOffset} exists any more. */
    void truncate(long endOffset) {
        while (!spans.isEmpty() && spans.get(spans.size() - 1).startOffset() >= endOffset) {
            spans.remove(spans.size() - 1);
        }
    }

    /** Nobody asks for offsets below {@code offset} any more. */
    void forgetBelow(long offset) {
        while (spans.size() > 1 && spans.get(1).startOffset() <= offset) {
            spans.remove(0);
        }
    }

    /** First offset at or behind {@code fromOffset} that is in {@code lane}; {@link Long#MAX_VALUE} if there is none. */
    long firstIn(int lane, long fromOffset) {
        for (int i = 0; i < spans.size(); i++) {
            long end = i + 1 < spans.size() ? spans.get(i + 1).startOffset() : Long.MAX_VALUE;
            if (spans.get(i).lane() == lane && end > fromOffset) {
                return Math.max(fromOffset, spans.get(i).startOffset());
            }
        }
        return Long.MAX_VALUE;
    }
}
