// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One stream's manifest on its way from the leader to a node that begins to lead the stream: pages, each of which is the fold of the
 * log up to an offset of its own, and the changes that this node has applied meanwhile. A change counts for the rows of a
 * page only if it comes after that page's offset. Used by the metadata thread alone.
 */
public final class ManifestLoad {
    private final long streamId;
    private final long sinceOffset;
    private final TreeMap<Long, StreamSegment> rows = new TreeMap<>();
    /** Offsets of the pages by the first start offset that each covers; it covers all up to the next one. */
    private final TreeMap<Long, Long> pages = new TreeMap<>();

    private final List<Change> changes = new ArrayList<>();
    private long nextStart;
    private boolean hasAllPages;
    private long newestPage;

    /** @param sinceOffset changes after this offset will be told; pages must not be older */
    ManifestLoad(long streamId, long sinceOffset) {
        this.streamId = streamId;
        this.sinceOffset = sinceOffset;
        this.newestPage = sinceOffset;
    }

    /** What has become of a stream's rows, by the offset of its batch in the log. */
    private sealed interface Change {
        long offset();
    }

    private record Inserted(long offset, StreamSegment segment) implements Change {}

    private record Removed(long offset, long startOffset, long objectId) implements Change {}

    private record Trimmed(long offset, long newStartOffset) implements Change {}

    public long streamId() {
        return streamId;
    }

    /** Pages must be the fold of the log up to at least here. */
    public long sinceOffset() {
        return sinceOffset;
    }

    /** The least start offset of segments that are still to be asked for. */
    public long nextStart() {
        return nextStart;
    }

    public boolean hasAllPages() {
        return hasAllPages;
    }

    /** The offset that this node must have applied before the manifest can be read. */
    long readableAt() {
        return newestPage;
    }

    /**
     * Adds the segments that start at {@link #nextStart()} or behind it, in order.
     *
     * @param offset of the log, which they are the fold of
     * @param isLast whether no others follow
     */
    public void addPage(List<StreamSegment> segments, long offset, boolean isLast) {
        if (hasAllPages || offset < sinceOffset || (!isLast && segments.isEmpty())) {
            throw new FreshetException(
                    ErrorKind.INTERNAL,
                    "A page of the manifest of stream " + streamId + " from start offset " + nextStart + " at offset "
                            + offset + " with " + segments.size() + " segments does not fit: complete " + hasAllPages
                            + ", asked for at offset " + sinceOffset + " or later");
        }
        pages.put(nextStart, offset);
        for (StreamSegment segment : segments) {
            if (segment.streamId() != streamId || segment.startOffset() < nextStart) {
                throw new FreshetException(
                        ErrorKind.INTERNAL,
                        segment + " came with the manifest of stream " + streamId + " from start offset " + nextStart);
            }
            rows.put(segment.startOffset(), segment);
            nextStart = segment.startOffset() + 1;
        }
        newestPage = Math.max(newestPage, offset);
        hasAllPages = isLast;
    }

    void inserted(long offset, StreamSegment segment) {
        changes.add(new Inserted(offset, segment));
    }

    void removed(long offset, long startOffset, long objectId) {
        changes.add(new Removed(offset, startOffset, objectId));
    }

    void trimmed(long offset, long newStartOffset) {
        changes.add(new Trimmed(offset, newStartOffset));
    }

    /** The manifest as of the last change that was told, which must not be before {@link #readableAt()}. */
    Collection<StreamSegment> finish() {
        if (!hasAllPages) {
            throw new FreshetException(ErrorKind.INTERNAL, "The manifest of stream " + streamId + " is not whole yet");
        }
        for (Change change : changes) {
            if (change instanceof Inserted inserted) {
                insert(inserted);
            } else if (change instanceof Removed removed) {
                remove(removed);
            } else if (change instanceof Trimmed trimmed) {
                rows.values()
                        .removeIf(segment -> segment.endOffset() <= trimmed.newStartOffset()
                                && isNews(trimmed, segment.startOffset()));
            }
        }
        return rows.values();
    }

    private void insert(Inserted inserted) {
        if (isNews(inserted, inserted.segment().startOffset())) {
            rows.put(inserted.segment().startOffset(), inserted.segment());
        }
    }

    private void remove(Removed removed) {
        StreamSegment known = rows.get(removed.startOffset());
        if (known != null && known.objectId() == removed.objectId() && isNews(removed, removed.startOffset())) {
            rows.remove(removed.startOffset());
        }
    }

    /** Whether the page that covers {@code startOffset} is older than the change. */
    private boolean isNews(Change change, long startOffset) {
        Map.Entry<Long, Long> page = pages.floorEntry(startOffset);
        return page != null && change.offset() > page.getValue();
    }
}
