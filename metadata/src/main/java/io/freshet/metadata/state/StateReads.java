// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.ManifestPages;
import io.freshet.metadata.ManifestPages.Page;
import io.freshet.metadata.ManifestQuery;
import io.freshet.metadata.ManifestQuery.From;
import io.freshet.metadata.ObjectState;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/** What one instant of the state says of manifests and objects, for other nodes. Used by one thread; close it. */
public final class StateReads implements AutoCloseable {
    private final long appliedOffset;
    private final FrozenTables tables;

    StateReads(long appliedOffset, FrozenTables tables) {
        this.appliedOffset = appliedOffset;
        this.tables = tables;
    }

    /** Answers for the first streams of {@code query}, until there are enough segments; for one stream at least. */
    public ManifestPages manifests(ManifestQuery query) {
        List<Page> pages = new ArrayList<>();
        tables.scan(Table.MANIFESTS, rows -> {
            int left = query.limit();
            for (From from : query.streams()) {
                if (left == 0) {
                    return;
                }
                Page page = page(rows, from, query, Math.min(left, query.limitPerStream()));
                pages.add(page);
                left -= page.segments().size();
            }
        });
        return new ManifestPages(appliedOffset, pages);
    }

    private static Page page(RocksIterator rows, From from, ManifestQuery query, int limit) {
        List<StreamSegment> found = new ArrayList<>();
        if (query.isByStart()) {
            rows.seek(Rows.key(from.streamId(), from.offset()));
            take(rows, from.streamId(), -1, limit, found);
        } else {
            segments(rows, from.streamId(), from.offset(), limit, found);
        }
        boolean hasMore = rows.isValid() && ByteBuffer.wrap(rows.key()).getLong() == from.streamId();
        return new Page(from.streamId(), found, !hasMore);
    }

    /** Up to {@code limit} live objects with ids above {@code afterObjectId}, ascending. */
    public List<LiveObject> objects(long afterObjectId, int limit) {
        List<LiveObject> found = new ArrayList<>();
        if (afterObjectId < Long.MAX_VALUE) {
            tables.scan(Table.OBJECTS, rows -> objects(rows, afterObjectId, limit, found));
        }
        return found;
    }

    /** Up to {@code limit} retired objects, oldest first. */
    public List<RetiredObject> retired(int limit) {
        List<RetiredObject> found = new ArrayList<>();
        tables.scan(Table.RETIRED, rows -> retired(rows, limit, found));
        return found;
    }

    /** What is known of each of these objects, in their order. */
    public List<ObjectState> objectStates(List<Long> objectIds) {
        return tables.get(Table.OBJECTS, objectIds.stream().map(Rows::key).toList()).stream()
                .map(StateReads::objectState)
                .toList();
    }

    /** Up to {@code limit} segments of a stream, from the one that holds {@code offset} on; leaves {@code rows} behind them. */
    static void segments(RocksIterator rows, long streamId, long offset, int limit, List<StreamSegment> found) {
        byte[] wanted = Rows.key(streamId, Math.max(0, offset));
        rows.seek(wanted); // most who ask know where a segment begins; the way back may lead over many deleted rows
        if (!rows.isValid() || !Arrays.equals(rows.key(), wanted)) {
            rows.seekForPrev(wanted);
        }
        if (!rows.isValid()) {
            rows.seek(Rows.key(streamId, 0));
        }
        take(rows, streamId, offset, limit, found);
    }

    private static void take(RocksIterator rows, long streamId, long offset, int limit, List<StreamSegment> found) {
        for (; rows.isValid() && found.size() < limit; rows.next()) {
            StreamSegment segment = Rows.decodeSegment(rows.key(), rows.value());
            if (segment.streamId() > streamId) {
                break;
            }
            if (segment.streamId() == streamId && segment.endOffset() > offset) {
                found.add(segment);
            }
        }
    }

    static void objects(RocksIterator rows, long afterObjectId, int limit, List<LiveObject> found) {
        for (rows.seek(Rows.key(Math.max(0, afterObjectId + 1))); rows.isValid() && found.size() < limit; rows.next()) {
            Rows.StoredObject object = Rows.StoredObject.decode(rows.value());
            if (object.liveSegments() > 0) {
                long objectId = ByteBuffer.wrap(rows.key()).getLong();
                found.add(new LiveObject(objectId, object.sizeBytes(), object.liveSegments()));
            }
        }
    }

    static void retired(RocksIterator rows, int limit, List<RetiredObject> found) {
        for (rows.seekToFirst(); rows.isValid() && found.size() < limit; rows.next()) {
            ByteBuffer key = ByteBuffer.wrap(rows.key());
            long retiredAtMs = key.getLong();
            found.add(new RetiredObject(key.getLong(), retiredAtMs));
        }
    }

    static ObjectState objectState(byte @Nullable [] value) {
        if (value == null) {
            return ObjectState.UNKNOWN;
        }
        return Rows.StoredObject.decode(value).liveSegments() > 0 ? ObjectState.LIVE : ObjectState.RETIRED;
    }

    @Override
    public void close() {
        tables.close();
    }
}
