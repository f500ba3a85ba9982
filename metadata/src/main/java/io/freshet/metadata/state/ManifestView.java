// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.SegmentReplacement.NewObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.record.ForgetObjectsRecord;
import io.freshet.metadata.record.LaneChangedRecord;
import io.freshet.metadata.record.MemberRecord;
import io.freshet.metadata.record.MoveWishRecord;
import io.freshet.metadata.record.NextIdsRecord;
import io.freshet.metadata.record.ObjectRecord;
import io.freshet.metadata.record.OpenWalRecord;
import io.freshet.metadata.record.OwnRecord;
import io.freshet.metadata.record.RemoveStreamRecord;
import io.freshet.metadata.record.ReplaceSegmentsRecord;
import io.freshet.metadata.record.ReplaceSegmentsRecord.RemovedSegment;
import io.freshet.metadata.record.RetireWalRecord;
import io.freshet.metadata.record.RowsRecord;
import io.freshet.metadata.record.SealWalRecord;
import io.freshet.metadata.record.StreamRecord;
import io.freshet.metadata.record.TrimStreamRecord;
import io.freshet.metadata.record.TrimWalRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.jspecify.annotations.Nullable;

/**
 * The tables plus changes that are not written yet. The same code applies committed records (then {@link #commit}) and
 * shows a controller what its not yet committed records will do (then thrown away). Used by the metadata thread alone.
 * Applying is total: a record that no longer fits (its stream is gone) changes nothing.
 */
public final class ManifestView {
    private final ManifestStore store;
    private final RowOverlay rows;
    private final WalView wals;
    private final MemberView members;
    /** Null if the store keeps everything. */
    private final @Nullable HeldManifests held;

    ManifestView(ManifestStore store, RowOverlay rows) {
        this.store = store;
        this.rows = rows;
        this.wals = new WalView(rows);
        this.members = new MemberView(rows);
        Holdings holdings = store.holdings();
        this.held = holdings == null ? null : new HeldManifests(holdings, this, rows);
    }

    /** The S3 WALs. */
    public WalView wals() {
        return wals;
    }

    /** Brokers, and the moves that are wished for. */
    public MemberView members() {
        return members;
    }

    /** The stored part of a stream; null if there is none. */
    Rows.@Nullable Stream stream(long streamId) {
        byte[] value = rows.get(Table.STREAMS, Rows.key(streamId));
        return value == null ? null : Rows.Stream.decode(value);
    }

    /** The topic, partition and bounds of a stream; null if there is none. */
    public @Nullable StreamBounds bounds(long streamId) {
        Rows.Stream stream = stream(streamId);
        return stream == null
                ? null
                : new StreamBounds(stream.topicId(), stream.partition(), stream.startOffset(), stream.endOffset());
    }

    /** Reads what is known of these streams at once, for the calls that follow. */
    public void prefetchStreams(Stream<StreamSegment> segments) {
        rows.prefetch(
                Table.STREAMS,
                segments.mapToLong(StreamSegment::streamId)
                        .distinct()
                        .mapToObj(Rows::key)
                        .toList());
    }

    /** Reads the rows of these segments at once, for the calls that follow. */
    public void prefetchSegments(List<StreamSegment> segments) {
        rows.prefetch(
                Table.MANIFESTS,
                segments.stream()
                        .map(segment -> Rows.key(segment.streamId(), segment.startOffset()))
                        .toList());
    }

    /** The stream of a partition. */
    public OptionalLong streamId(Uuid topicId, int partition) {
        byte[] value = rows.get(Table.PARTITIONS, Rows.key(topicId, partition));
        return value == null ? OptionalLong.empty() : OptionalLong.of(Rows.decodeId(value));
    }

    /** The segment beginning exactly at {@code startOffset}; null if there is none. */
    public @Nullable StreamSegment segment(long streamId, long startOffset) {
        byte[] key = Rows.key(streamId, startOffset);
        byte[] value = rows.get(Table.MANIFESTS, key);
        return value == null ? null : Rows.decodeSegment(key, value);
    }

    /** The object that holds the segment beginning exactly at {@code startOffset}; −1 if there is none. */
    public long objectOfSegment(long streamId, long startOffset) {
        StreamSegment segment = segment(streamId, startOffset);
        return segment == null ? -1 : segment.objectId();
    }

    public boolean isObjectKnown(long objectId) {
        return rows.get(Table.OBJECTS, Rows.key(objectId)) != null;
    }

    public boolean isObjectRetired(long objectId) {
        Rows.StoredObject object = object(objectId);
        return object != null && object.retiredAtMs() >= 0;
    }

    public long nextStreamId() {
        return nextIds().nextStreamId();
    }

    public long nextObjectId() {
        return nextIds().nextObjectId();
    }

    /** Folds one record in. */
    public void apply(OwnRecord change) {
        if (held != null && held.apply(change)) {
            return;
        }
        if (change instanceof StreamRecord made) {
            applyStream(made);
        } else if (change instanceof RemoveStreamRecord removed) {
            applyRemove(removed);
        } else if (change instanceof ObjectRecord object) {
            applyObject(object);
        } else if (change instanceof ReplaceSegmentsRecord replaced) {
            applyReplace(replaced);
        } else if (change instanceof TrimStreamRecord trim) {
            applyTrim(trim);
        } else if (change instanceof ForgetObjectsRecord forget) {
            applyForget(forget);
        } else if (change instanceof NextIdsRecord ids) {
            raiseNextIds(ids.nextStreamId(), ids.nextObjectId());
        } else if (change instanceof OpenWalRecord opened) {
            wals.apply(opened);
        } else if (change instanceof TrimWalRecord trim) {
            wals.apply(trim);
        } else if (change instanceof SealWalRecord seal) {
            wals.apply(seal);
        } else if (change instanceof RetireWalRecord retired) {
            wals.apply(retired);
        } else if (change instanceof MemberRecord member) {
            members.apply(member);
        } else if (change instanceof MoveWishRecord wish) {
            members.apply(wish);
        } else if (change instanceof LaneChangedRecord changed) {
            members.apply(changed);
        } else if (change instanceof RowsRecord) {
            throw new FreshetException(
                    ErrorKind.CORRUPT, "Table rows stand in the metadata log; they belong into snapshots only");
        }
    }

    /** Writes all changes, together with the offset of the last record among them. */
    public void commit(OffsetAndEpoch applied) {
        store.write(rows, applied);
        rows.clear();
    }

    void applyStream(StreamRecord made) {
        put(Table.STREAMS, Rows.key(made.streamId()), new Rows.Stream(made.topicId(), made.partition(), 0, 0).encode());
        put(Table.PARTITIONS, Rows.key(made.topicId(), made.partition()), Rows.encodeId(made.streamId()));
        raiseNextIds(made.streamId() + 1, 0);
    }

    private void applyRemove(RemoveStreamRecord removed) {
        Rows.Stream stream = stream(removed.streamId());
        if (stream == null) {
            return;
        }
        dropSegments(removed.streamId(), Long.MAX_VALUE, removed.removedAtMs());
        forgetStream(removed.streamId(), stream);
    }

    /** Deletes what is kept of a stream beside its manifest. */
    void forgetStream(long streamId, Rows.Stream stream) {
        rows.delete(Table.STREAMS, Rows.key(streamId));
        rows.delete(Table.PARTITIONS, Rows.key(stream.topicId(), stream.partition()));
        members.forget(stream.topicId(), stream.partition());
    }

    private void applyObject(ObjectRecord object) {
        if (isObjectKnown(object.objectId())) {
            return;
        }
        prefetchStreams(object.segments().stream());
        int live = 0;
        for (StreamSegment segment : object.segments()) {
            Rows.Stream stream = stream(segment.streamId());
            if (stream == null) {
                continue;
            }
            if (segment.endOffset() > stream.startOffset()) {
                put(Table.MANIFESTS, Rows.key(segment.streamId(), segment.startOffset()), Rows.encodeSegment(segment));
                live++;
            }
            long endOffset = Math.max(stream.endOffset(), segment.endOffset());
            putStream(segment.streamId(), stream, stream.startOffset(), endOffset);
        }
        putObject(object.objectId(), object.objectSizeBytes(), live, object.committedAtMs());
        raiseNextIds(0, object.objectId() + 1);
    }

    private void applyReplace(ReplaceSegmentsRecord replaced) {
        if (replaced.objects().stream().anyMatch(object -> isObjectKnown(object.objectId()))) {
            return;
        }
        prefetchStreams(replaced.inserted().stream());
        rows.prefetch(
                Table.MANIFESTS,
                replaced.removed().stream()
                        .map(segment -> Rows.key(segment.streamId(), segment.startOffset()))
                        .toList());
        Map<Long, Integer> left = new TreeMap<>();
        for (RemovedSegment segment : replaced.removed()) {
            if (objectOfSegment(segment.streamId(), segment.startOffset()) == segment.objectId()) {
                rows.delete(Table.MANIFESTS, Rows.key(segment.streamId(), segment.startOffset()));
                left.merge(segment.objectId(), 1, Integer::sum);
            }
        }
        Map<Long, Integer> live = new TreeMap<>();
        for (StreamSegment segment : replaced.inserted()) {
            Rows.Stream stream = stream(segment.streamId());
            if (stream != null && segment.endOffset() > stream.startOffset()) {
                put(Table.MANIFESTS, Rows.key(segment.streamId(), segment.startOffset()), Rows.encodeSegment(segment));
                live.merge(segment.objectId(), 1, Integer::sum);
            }
        }
        for (NewObject object : replaced.objects()) {
            long objectId = object.objectId();
            putObject(objectId, object.sizeBytes(), live.getOrDefault(objectId, 0), replaced.replacedAtMs());
            raiseNextIds(0, objectId + 1);
        }
        for (Map.Entry<Long, Integer> lost : left.entrySet()) {
            dropLive(lost.getKey(), lost.getValue(), replaced.replacedAtMs());
        }
    }

    /** {@code count} live segments of an object are gone; with the last one it is retired. */
    private void dropLive(long objectId, int count, long nowMs) {
        Rows.StoredObject object = object(objectId);
        if (object != null) {
            putObject(objectId, object.sizeBytes(), object.liveSegments() - count, nowMs);
        }
    }

    private void applyTrim(TrimStreamRecord trim) {
        Rows.Stream stream = stream(trim.streamId());
        if (stream == null || trim.startOffset() <= stream.startOffset()) {
            return;
        }
        dropSegments(trim.streamId(), trim.startOffset(), trim.trimmedAtMs());
        putStream(trim.streamId(), stream, trim.startOffset(), Math.max(stream.endOffset(), trim.startOffset()));
    }

    private void applyForget(ForgetObjectsRecord forget) {
        for (long objectId : forget.objectIds()) {
            Rows.StoredObject object = object(objectId);
            if (object != null && object.retiredAtMs() >= 0) {
                rows.delete(Table.RETIRED, Rows.key(object.retiredAtMs(), objectId));
                rows.delete(Table.OBJECTS, Rows.key(objectId));
            }
        }
    }

    /** Drops the segments that end at or before {@code newStart} and retires the objects that lose their last one. */
    private void dropSegments(long streamId, long newStart, long nowMs) {
        List<StreamSegment> dropped = new ArrayList<>();
        rows.scan(Table.MANIFESTS, Rows.key(streamId, 0), (key, value) -> {
            StreamSegment segment = Rows.decodeSegment(key, value);
            boolean isDropped = segment.streamId() == streamId && segment.endOffset() <= newStart;
            if (isDropped) {
                dropped.add(segment);
            }
            return isDropped;
        });
        for (StreamSegment segment : dropped) {
            rows.delete(Table.MANIFESTS, Rows.key(streamId, segment.startOffset()));
            dropLive(segment.objectId(), 1, nowMs);
        }
    }

    private void putObject(long objectId, long sizeBytes, int liveSegments, long nowMs) {
        boolean isRetired = liveSegments == 0;
        if (isRetired) {
            put(Table.RETIRED, Rows.key(nowMs, objectId), new byte[0]);
        }
        put(
                Table.OBJECTS,
                Rows.key(objectId),
                new Rows.StoredObject(sizeBytes, liveSegments, isRetired ? nowMs : -1).encode());
    }

    void putStream(long streamId, Rows.Stream stream, long startOffset, long endOffset) {
        put(
                Table.STREAMS,
                Rows.key(streamId),
                new Rows.Stream(stream.topicId(), stream.partition(), startOffset, endOffset).encode());
    }

    private Rows.@Nullable StoredObject object(long objectId) {
        byte[] value = rows.get(Table.OBJECTS, Rows.key(objectId));
        return value == null ? null : Rows.StoredObject.decode(value);
    }

    /** Ids to be given out next; both start at 1. */
    NextIdsRecord nextIds() {
        byte[] value = rows.get(Table.META, ManifestStore.NEXT_IDS);
        if (value == null) {
            return new NextIdsRecord(1, 1);
        }
        ByteBuffer in = Rows.open(value);
        return new NextIdsRecord(in.getLong(), in.getLong());
    }

    void raiseNextIds(long streamId, long objectId) {
        NextIdsRecord known = nextIds();
        if (streamId > known.nextStreamId() || objectId > known.nextObjectId()) {
            byte[] value = ByteBuffer.allocate(17)
                    .put((byte) 0)
                    .putLong(Math.max(streamId, known.nextStreamId()))
                    .putLong(Math.max(objectId, known.nextObjectId()))
                    .array();
            put(Table.META, ManifestStore.NEXT_IDS, value);
        }
    }

    private void put(Table table, byte[] key, byte[] value) {
        rows.put(table, key, value);
    }

    /** A stream's partition and offsets. */
    public record StreamBounds(Uuid topicId, int partition, long startOffset, long endOffset) {}
}
