// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.storage.StreamMetadata;
import io.freshet.storage.compact.CompactionMetadata;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The quorum in memory, with its real rules: segments follow each other, commits are idempotent by object id, old leader and
 * broker epochs are refused, objects without live segments are retired. Safe for use by many threads.
 */
public final class MemoryStreamMetadata implements StreamMetadata, CompactionMetadata {
    /** Decides how a command travels: runs {@code command} now, later or never, and answers truly, late or not at all. */
    public interface Transport {
        <T> CompletableFuture<T> send(String name, Supplier<T> command);
    }

    private static final class Stream {
        private int leaderEpoch;
        private int ownerId;
        private long startOffset;
        private long endOffset;
        private final NavigableMap<Long, StreamSegment> segments = new TreeMap<>();
    }

    private final Clock clock;

    private static final class Live {
        private final long sizeBytes;
        private int segments;

        Live(long sizeBytes) {
            this.sizeBytes = sizeBytes;
        }
    }

    private record Lease(int brokerId, long untilMs) {}

    private final NavigableMap<Long, Stream> streams = new TreeMap<>();
    private final NavigableMap<Long, Live> liveByObject = new TreeMap<>();
    private final Map<String, Lease> leases = new HashMap<>();
    private final Map<Long, Set<Long>> answers = new HashMap<>();
    private final Map<Long, Long> retired = new LinkedHashMap<>();
    private final Map<Integer, Long> brokerEpochs = new HashMap<>();
    private long nextObjectId = 1;
    private int manifestReads;
    private volatile boolean lacksObjects;
    private Transport transport = new Transport() {
        @Override
        public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
            try {
                return CompletableFuture.completedFuture(command.get());
            } catch (FreshetException e) {
                return CompletableFuture.failedFuture(e);
            }
        }
    };

    public MemoryStreamMetadata(Clock clock) {
        this.clock = clock;
    }

    public synchronized void transport(Transport newTransport) {
        transport = newTransport;
    }

    // ---- what a controller would do

    public synchronized void createStream(long streamId, int ownerId, int leaderEpoch) {
        Stream stream = new Stream();
        stream.ownerId = ownerId;
        stream.leaderEpoch = leaderEpoch;
        streams.put(streamId, stream);
    }

    /** Gives the stream a new ownership; returns its leader epoch. */
    public synchronized int moveStream(long streamId, int newOwnerId) {
        Stream stream = streams.get(streamId);
        stream.ownerId = newOwnerId;
        return ++stream.leaderEpoch;
    }

    public synchronized void deleteStream(long streamId) {
        Stream stream = streams.remove(streamId);
        stream.segments.values().forEach(segment -> unlink(segment.objectId()));
    }

    public synchronized void registerBroker(int brokerId, long brokerEpoch) {
        brokerEpochs.put(brokerId, brokerEpoch);
    }

    /** How often a manifest was looked into. */
    public synchronized int manifestReads() {
        return manifestReads;
    }

    // ---- the port

    @Override
    public synchronized Optional<StreamState> stream(long streamId) {
        return Optional.ofNullable(streams.get(streamId))
                .map(s -> new StreamState(streamId, s.leaderEpoch, s.ownerId, s.startOffset, s.endOffset));
    }

    @Override
    public synchronized List<StreamSegment> segments(long streamId, long offset, int limit) {
        manifestReads++;
        Stream stream = streams.get(streamId);
        List<StreamSegment> found = new ArrayList<>();
        if (stream == null) {
            return found;
        }
        Long first = stream.segments.floorKey(offset);
        boolean holds = first != null && stream.segments.get(first).endOffset() > offset;
        for (StreamSegment segment :
                stream.segments.tailMap(holds ? first : offset, true).values()) {
            if (found.size() == limit) {
                break;
            }
            found.add(segment);
        }
        return found;
    }

    @Override
    public CompletableFuture<IdRange> reserveObjectIds(int count) {
        return transport.send("reserve", () -> {
            synchronized (this) {
                nextObjectId += count;
                return new IdRange(nextObjectId - count, nextObjectId);
            }
        });
    }

    @Override
    public CompletableFuture<Set<Long>> commitObject(ObjectCommit commit) {
        return transport.send("commit", () -> applyCommit(commit));
    }

    private synchronized Set<Long> applyCommit(ObjectCommit commit) {
        requireBroker(commit.brokerId(), commit.brokerEpoch());
        Set<Long> known = answers.get(commit.objectId());
        if (known != null) {
            return known;
        }
        Set<Long> refused = new HashSet<>();
        Live live = new Live(commit.sizeBytes());
        for (SegmentCommit segment : commit.segments()) {
            if (accept(segment)) {
                live.segments++;
            } else {
                refused.add(segment.segment().streamId());
            }
        }
        answers.put(commit.objectId(), refused);
        keepOrRetire(commit.objectId(), live);
        return refused;
    }

    private void requireBroker(int brokerId, long brokerEpoch) {
        Long known = brokerEpochs.get(brokerId);
        if (known != null && brokerEpoch < known) {
            throw new FreshetException(ErrorKind.FENCED, "Broker epoch " + brokerEpoch + " is older than " + known);
        }
    }

    private void keepOrRetire(long objectId, Live live) {
        if (live.segments == 0) {
            retired.put(objectId, clock.wallMs());
        } else {
            liveByObject.put(objectId, live);
        }
    }

    private boolean accept(SegmentCommit commit) {
        StreamSegment segment = commit.segment();
        Stream stream = streams.get(segment.streamId());
        boolean accepted = stream != null
                && commit.leaderEpoch() >= stream.leaderEpoch
                && segment.startOffset() == stream.endOffset;
        if (accepted) {
            stream.segments.put(segment.startOffset(), segment);
            stream.endOffset = segment.endOffset();
        }
        return accepted;
    }

    @Override
    public CompletableFuture<Void> trimStream(long streamId, int leaderEpoch, long newStartOffset) {
        return transport.send("trim", () -> applyTrim(streamId, leaderEpoch, newStartOffset));
    }

    private synchronized Void applyTrim(long streamId, int leaderEpoch, long newStartOffset) {
        Stream stream = streams.get(streamId);
        if (stream == null || leaderEpoch < stream.leaderEpoch) {
            throw new FreshetException(ErrorKind.FENCED, "Stream " + streamId + " is not owned by " + leaderEpoch);
        }
        if (newStartOffset > stream.endOffset) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Start " + newStartOffset + " lies behind the end " + stream.endOffset);
        }
        stream.startOffset = Math.max(stream.startOffset, newStartOffset);
        while (!stream.segments.isEmpty()
                && stream.segments.firstEntry().getValue().endOffset() <= stream.startOffset) {
            unlink(stream.segments.pollFirstEntry().getValue().objectId());
        }
        return null;
    }

    private void unlink(long objectId) {
        Live live = liveByObject.get(objectId);
        if (live != null && --live.segments == 0) {
            liveByObject.remove(objectId);
            retired.put(objectId, clock.wallMs());
        }
    }

    /** Moves a committed segment into another object, as a compaction would. */
    public synchronized void replaceObject(StreamSegment segment, long newObjectId) {
        Stream stream = streams.get(segment.streamId());
        stream.segments.put(
                segment.startOffset(),
                new StreamSegment(
                        segment.streamId(),
                        segment.startOffset(),
                        segment.endOffset(),
                        newObjectId,
                        segment.sizeBytes(),
                        segment.minTimestampMs(),
                        segment.maxTimestampMs()));
        liveByObject.computeIfAbsent(newObjectId, id -> new Live(segment.sizeBytes())).segments++;
        unlink(segment.objectId());
    }

    // ---- compaction

    @Override
    public synchronized List<LiveObject> objects(long afterObjectId, int limit) {
        return liveByObject.tailMap(afterObjectId, false).entrySet().stream()
                .limit(limit)
                .map(entry -> new LiveObject(entry.getKey(), entry.getValue().sizeBytes, entry.getValue().segments))
                .toList();
    }

    @Override
    public synchronized List<Long> streamIds(long afterStreamId, int limit) {
        return streams.tailMap(afterStreamId, false).keySet().stream()
                .limit(limit)
                .toList();
    }

    @Override
    public CompletableFuture<Boolean> lease(String job, int brokerId, long brokerEpoch, long durationMs) {
        return transport.send("lease", () -> {
            synchronized (this) {
                requireBroker(brokerId, brokerEpoch);
                Lease held = leases.get(job);
                if (held != null && held.brokerId() != brokerId && clock.wallMs() < held.untilMs()) {
                    return false;
                }
                leases.put(job, new Lease(brokerId, clock.wallMs() + durationMs));
                return true;
            }
        });
    }

    @Override
    public CompletableFuture<Set<Long>> replace(SegmentReplacement replacement) {
        return transport.send("replace", () -> applyReplacement(replacement));
    }

    private synchronized Set<Long> applyReplacement(SegmentReplacement replacement) {
        requireBroker(replacement.brokerId(), replacement.brokerEpoch());
        if (replacement.objects().isEmpty()) {
            throw new FreshetException(ErrorKind.INVALID, "A replacement without objects");
        }
        Set<Long> known = answers.get(replacement.objects().get(0).objectId());
        if (known != null) {
            return known;
        }
        Map<Long, Live> made = new TreeMap<>();
        replacement.objects().forEach(object -> made.put(object.objectId(), new Live(object.sizeBytes())));
        Set<Long> all = new TreeSet<>();
        replacement.removed().forEach(segment -> all.add(segment.streamId()));
        replacement.inserted().forEach(segment -> all.add(segment.streamId()));
        Set<Long> refused = new TreeSet<>();
        for (long streamId : all) {
            List<StreamSegment> removed = ofStream(replacement.removed(), streamId);
            List<StreamSegment> inserted = ofStream(replacement.inserted(), streamId);
            requireSameOffsets(removed, inserted, made.keySet());
            Stream stream = streams.get(streamId);
            if (stream == null
                    || removed.stream().anyMatch(old -> !old.equals(stream.segments.get(old.startOffset())))) {
                refused.add(streamId);
                continue;
            }
            removed.forEach(old -> stream.segments.remove(old.startOffset()));
            for (StreamSegment segment : inserted) {
                stream.segments.put(segment.startOffset(), segment);
                made.get(segment.objectId()).segments++;
            }
            removed.forEach(old -> unlink(old.objectId()));
        }
        made.forEach(this::keepOrRetire);
        replacement.objects().forEach(object -> answers.put(object.objectId(), refused));
        return refused;
    }

    private static List<StreamSegment> ofStream(List<StreamSegment> segments, long streamId) {
        return segments.stream().filter(s -> s.streamId() == streamId).toList();
    }

    private static void requireSameOffsets(
            List<StreamSegment> removed, List<StreamSegment> inserted, Set<Long> newObjects) {
        boolean isOurs = inserted.stream().allMatch(segment -> newObjects.contains(segment.objectId()));
        boolean isCovered = hasNoGap(removed)
                && hasNoGap(inserted)
                && removed.get(0).startOffset() == inserted.get(0).startOffset()
                && removed.get(removed.size() - 1).endOffset()
                        == inserted.get(inserted.size() - 1).endOffset();
        if (!isOurs || !isCovered) {
            throw new FreshetException(ErrorKind.INVALID, inserted + " cannot replace " + removed);
        }
    }

    private static boolean hasNoGap(List<StreamSegment> segments) {
        for (int i = 1; i < segments.size(); i++) {
            if (segments.get(i).startOffset() != segments.get(i - 1).endOffset()) {
                return false;
            }
        }
        return !segments.isEmpty();
    }

    @Override
    public synchronized List<RetiredObject> retiredObjects(int limit) {
        return retired.entrySet().stream()
                .limit(limit)
                .map(entry -> new RetiredObject(entry.getKey(), entry.getValue()))
                .toList();
    }

    @Override
    public CompletableFuture<Void> forgetObjects(List<Long> objectIds) {
        return transport.send("forget", () -> {
            synchronized (this) {
                objectIds.forEach(retired::remove);
                return null;
            }
        });
    }

    /** From now on this is a copy without objects, whose questions to the leader fail, or it is whole again. */
    public synchronized void lacksObjects(boolean lacks) {
        lacksObjects = lacks;
    }

    private static FreshetException noAnswer() {
        return new FreshetException(ErrorKind.UNAVAILABLE, "no leader");
    }

    @Override
    public CompletableFuture<List<RetiredObject>> oldestRetired(int limit) {
        return lacksObjects ? CompletableFuture.failedFuture(noAnswer()) : StreamMetadata.super.oldestRetired(limit);
    }

    @Override
    public CompletableFuture<Set<Long>> unknownObjects(Collection<Long> objectIds) {
        return lacksObjects
                ? CompletableFuture.failedFuture(noAnswer())
                : StreamMetadata.super.unknownObjects(objectIds);
    }

    @Override
    public synchronized boolean isObjectKnown(long objectId) {
        return liveByObject.containsKey(objectId) || retired.containsKey(objectId);
    }
}
