// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.storage.StreamMetadata;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The quorum in memory, with its real rules: segments follow each other, commits are idempotent by object id, old leader and
 * broker epochs are refused, objects without live segments are retired. Safe for use by many threads.
 */
public final class MemoryStreamMetadata implements StreamMetadata {
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
    private final Map<Long, Stream> streams = new HashMap<>();
    private final Map<Long, Set<Long>> liveStreamsByObject = new HashMap<>();
    private final Map<Long, Set<Long>> answers = new HashMap<>();
    private final Map<Long, Long> retired = new LinkedHashMap<>();
    private final Map<Integer, Long> brokerEpochs = new HashMap<>();
    private long nextObjectId = 1;
    private int manifestReads;
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
        stream.segments.values().forEach(segment -> unlink(segment.objectId(), streamId));
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
        Long brokerEpoch = brokerEpochs.get(commit.brokerId());
        if (brokerEpoch != null && commit.brokerEpoch() < brokerEpoch) {
            throw new FreshetException(
                    ErrorKind.FENCED, "Broker epoch " + commit.brokerEpoch() + " is older than " + brokerEpoch);
        }
        Set<Long> known = answers.get(commit.objectId());
        if (known != null) {
            return known;
        }
        Set<Long> refused = new HashSet<>();
        Set<Long> live = new HashSet<>();
        for (SegmentCommit segment : commit.segments()) {
            (accept(segment) ? live : refused).add(segment.segment().streamId());
        }
        answers.put(commit.objectId(), refused);
        if (live.isEmpty()) {
            retired.put(commit.objectId(), clock.wallMs());
        } else {
            liveStreamsByObject.put(commit.objectId(), live);
        }
        return refused;
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
            unlink(stream.segments.pollFirstEntry().getValue().objectId(), streamId);
        }
        return null;
    }

    private void unlink(long objectId, long streamId) {
        Set<Long> live = liveStreamsByObject.get(objectId);
        if (live != null && live.remove(streamId) && live.isEmpty()) {
            liveStreamsByObject.remove(objectId);
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
        liveStreamsByObject.computeIfAbsent(newObjectId, id -> new HashSet<>()).add(segment.streamId());
        unlink(segment.objectId(), segment.streamId());
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

    @Override
    public synchronized boolean isObjectKnown(long objectId) {
        return liveStreamsByObject.containsKey(objectId) || retired.containsKey(objectId);
    }
}
