// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.record.ForgetObjectsRecord;
import io.freshet.metadata.record.ObjectRecord;
import io.freshet.metadata.record.OwnRecord;
import io.freshet.metadata.record.RemoveStreamRecord;
import io.freshet.metadata.record.ReplaceSegmentsRecord;
import io.freshet.metadata.record.ReplaceSegmentsRecord.RemovedSegment;
import io.freshet.metadata.record.StreamRecord;
import io.freshet.metadata.record.TrimStreamRecord;
import java.util.ArrayList;
import java.util.List;

/**
 * Folds the records that change manifests and objects into a store that keeps only some manifests and no objects: what {@link
 * ManifestView} does with them, for the rows that are here. A controller writes no second record for an object that it knows, so
 * nothing has to be looked up in the objects. Metadata thread.
 */
final class HeldManifests {
    private final Holdings holdings;
    private final ManifestView view;
    private final RowOverlay rows;

    HeldManifests(Holdings holdings, ManifestView view, RowOverlay rows) {
        this.holdings = holdings;
        this.view = view;
        this.rows = rows;
    }

    /** Whether the record is of a kind that is folded in here. */
    boolean apply(OwnRecord change) {
        if (change instanceof StreamRecord made) {
            view.applyStream(made);
            holdings.streamMade(made.streamId());
        } else if (change instanceof RemoveStreamRecord removed) {
            applyRemove(removed);
        } else if (change instanceof ObjectRecord object) {
            applyObject(object);
        } else if (change instanceof ReplaceSegmentsRecord replaced) {
            applyReplace(replaced);
        } else if (change instanceof TrimStreamRecord trim) {
            applyTrim(trim);
        } else {
            return change instanceof ForgetObjectsRecord;
        }
        return true;
    }

    private void applyRemove(RemoveStreamRecord removed) {
        long streamId = removed.streamId();
        Rows.Stream stream = view.stream(streamId);
        if (stream == null) {
            return;
        }
        if (holdings.isKept(streamId)) {
            dropSegments(streamId, Long.MAX_VALUE);
        }
        view.forgetStream(streamId, stream);
        holdings.streamRemoved(streamId);
    }

    private void applyObject(ObjectRecord object) {
        view.prefetchStreams(object.segments().stream());
        for (StreamSegment segment : object.segments()) {
            Rows.Stream stream = view.stream(segment.streamId());
            if (stream == null) {
                continue;
            }
            if (segment.endOffset() > stream.startOffset()) {
                insert(segment);
            }
            long endOffset = Math.max(stream.endOffset(), segment.endOffset());
            view.putStream(segment.streamId(), stream, stream.startOffset(), endOffset);
        }
        view.raiseNextIds(0, object.objectId() + 1);
    }

    private void applyReplace(ReplaceSegmentsRecord replaced) {
        for (RemovedSegment segment : replaced.removed()) {
            remove(segment);
        }
        view.prefetchStreams(replaced.inserted().stream());
        for (StreamSegment segment : replaced.inserted()) {
            Rows.Stream stream = view.stream(segment.streamId());
            if (stream != null && segment.endOffset() > stream.startOffset()) {
                insert(segment);
            }
        }
        replaced.objects().forEach(object -> view.raiseNextIds(0, object.objectId() + 1));
    }

    private void applyTrim(TrimStreamRecord trim) {
        Rows.Stream stream = view.stream(trim.streamId());
        if (stream == null || trim.startOffset() <= stream.startOffset()) {
            return;
        }
        ManifestLoad load = holdings.load(trim.streamId());
        if (load != null) {
            load.trimmed(holdings.applyingOffset(), trim.startOffset());
        } else if (holdings.isKept(trim.streamId())) {
            dropSegments(trim.streamId(), trim.startOffset());
        }
        view.putStream(trim.streamId(), stream, trim.startOffset(), Math.max(stream.endOffset(), trim.startOffset()));
    }

    private void insert(StreamSegment segment) {
        long streamId = segment.streamId();
        ManifestLoad load = holdings.load(streamId);
        if (load != null) {
            load.inserted(holdings.applyingOffset(), segment);
        } else if (holdings.isKept(streamId)) {
            rows.put(Table.MANIFESTS, Rows.key(streamId, segment.startOffset()), Rows.encodeSegment(segment));
        }
    }

    private void remove(RemovedSegment segment) {
        long streamId = segment.streamId();
        ManifestLoad load = holdings.load(streamId);
        if (load != null) {
            load.removed(holdings.applyingOffset(), segment.startOffset(), segment.objectId());
        } else if (holdings.isKept(streamId)
                && view.objectOfSegment(streamId, segment.startOffset()) == segment.objectId()) {
            rows.delete(Table.MANIFESTS, Rows.key(streamId, segment.startOffset()));
        }
    }

    /** Drops the segments that end at or before {@code newStart}. */
    private void dropSegments(long streamId, long newStart) {
        List<StreamSegment> dropped = new ArrayList<>();
        rows.scan(Table.MANIFESTS, Rows.key(streamId, 0), (key, value) -> {
            StreamSegment segment = Rows.decodeSegment(key, value);
            boolean isDropped = segment.streamId() == streamId && segment.endOffset() <= newStart;
            if (isDropped) {
                dropped.add(segment);
            }
            return isDropped;
        });
        dropped.forEach(segment -> rows.delete(Table.MANIFESTS, Rows.key(streamId, segment.startOffset())));
    }
}
