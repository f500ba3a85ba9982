// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.stream;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.StreamMetadata;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A stream's committed segments, with the part of the manifest that was last asked for kept at hand, so that a sequential
 * reader does not look into the metadata store for each read. A window is used so many times and then read anew, so that
 * segments that were replaced by larger ones are left soon, long before their objects are deleted. The window is replaced
 * whole: safe for use by many threads.
 */
final class SegmentWindow {
    private static final int WINDOW_SEGMENTS = 64;
    private static final int PAGE_SEGMENTS = 1000;
    private static final int MAX_USES = 256;

    private final long streamId;
    private final StreamMetadata metadata;
    private final AtomicInteger uses = new AtomicInteger();
    private volatile List<StreamSegment> window = List.of();

    SegmentWindow(long streamId, StreamMetadata metadata) {
        this.streamId = streamId;
        this.metadata = metadata;
    }

    /** The segment that holds {@code offset}, or the first after it. */
    Optional<StreamSegment> atOrAfter(long offset) {
        Optional<StreamSegment> known = holding(window, offset);
        if (known.isPresent() && uses.incrementAndGet() <= MAX_USES) {
            return known;
        }
        uses.set(0);
        List<StreamSegment> loaded = metadata.segments(streamId, offset, WINDOW_SEGMENTS);
        window = List.copyOf(loaded);
        return loaded.isEmpty() ? Optional.empty() : Optional.of(loaded.get(0));
    }

    /** The segment behind {@code segment} if it is at hand; never looks into the manifest. */
    Optional<StreamSegment> knownAfter(StreamSegment segment) {
        return holding(window, segment.endOffset());
    }

    /** The manifest has changed: look it up again. */
    void forget() {
        window = List.of();
    }

    /** All segments from the one that holds {@code offset} on, straight from the manifest. */
    List<StreamSegment> from(long offset) {
        List<StreamSegment> all = new ArrayList<>();
        long next = offset;
        while (true) {
            List<StreamSegment> page = metadata.segments(streamId, next, PAGE_SEGMENTS);
            all.addAll(page);
            if (page.size() < PAGE_SEGMENTS) {
                return all;
            }
            next = page.get(page.size() - 1).endOffset();
        }
    }

    private static Optional<StreamSegment> holding(List<StreamSegment> segments, long offset) {
        int low = 0;
        int high = segments.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            StreamSegment segment = segments.get(middle);
            if (segment.endOffset() <= offset) {
                low = middle + 1;
            } else if (segment.startOffset() > offset) {
                high = middle - 1;
            } else {
                return Optional.of(segment);
            }
        }
        return Optional.empty();
    }
}
