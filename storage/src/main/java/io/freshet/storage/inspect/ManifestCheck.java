// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.inspect.Finding.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks one stream's manifest: its segments, given in offset order, must cover the log from its start to its committed end without
 * gap or overlap. Used by one thread.
 */
public final class ManifestCheck {
    private final long streamId;
    private final long startOffset;
    private final long endOffset;
    private final List<Finding> findings = new ArrayList<>();
    private long next;
    private boolean isFirst = true;

    /**
     * @param startOffset the log's start
     * @param endOffset the end of what is committed, exclusive
     */
    public ManifestCheck(long streamId, long startOffset, long endOffset) {
        this.streamId = streamId;
        this.startOffset = startOffset;
        this.endOffset = endOffset;
        this.next = startOffset;
    }

    /** Takes the next segment in the manifest's order. */
    public void add(StreamSegment segment) {
        boolean reachesBack = isFirst && segment.startOffset() <= startOffset && segment.endOffset() > startOffset;
        if (segment.startOffset() > next) {
            gap(next, segment.startOffset());
        } else if (segment.startOffset() < next && !reachesBack) {
            findings.add(Finding.ofRange(
                    Kind.OVERLAP,
                    segment.objectId(),
                    streamId,
                    segment.startOffset(),
                    Math.min(next, segment.endOffset()),
                    "the manifest names these offsets twice, the second time in object " + segment.objectId()));
        }
        isFirst = false;
        next = Math.max(next, segment.endOffset());
    }

    /** What was found, once all segments were given. */
    public List<Finding> finish() {
        if (next < endOffset) {
            gap(next, endOffset);
        } else if (next > endOffset) {
            findings.add(Finding.ofRange(
                    Kind.CONTRADICTION,
                    -1,
                    streamId,
                    endOffset,
                    next,
                    "the manifest goes on behind the committed end " + endOffset));
        }
        return List.copyOf(findings);
    }

    private void gap(long from, long to) {
        findings.add(
                Finding.ofRange(Kind.GAP, -1, streamId, from, to, "no segment of the manifest holds these offsets"));
    }
}
