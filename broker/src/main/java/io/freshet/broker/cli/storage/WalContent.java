// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.WalState;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.storage.format.SegmentTrailer;
import io.freshet.storage.inspect.Finding;
import io.freshet.storage.inspect.Finding.Kind;
import io.freshet.storage.inspect.ObjectLayout;
import io.freshet.storage.rebuild.RebuiltLog;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The S3 WALs in a bucket. Their records are not copied: the rebuilt metadata names the WALs as not sealed, so that the node's first
 * start recovers, fences and seals them, as after any crash. Only a WAL that ends at a damaged slot is named as sealed there. Used
 * by one thread.
 */
final class WalContent {
    private final OpenStore store;
    private final ParallelReads reads;
    private final int nodeId;
    private final Findings findings;
    /** By epoch, of the node that will start. */
    private final Map<Long, FoundWal> found = new TreeMap<>();

    private final List<FoundWal.Usable> usable = new ArrayList<>();
    private final Map<Long, List<StreamSegment>> segments = new TreeMap<>();
    /** Where the records end that slots hold which do not count. */
    private final Map<Long, Long> lostEnds = new TreeMap<>();

    private final Map<Long, Integer> epochs = new HashMap<>();
    private long slots;
    private long maxObjectId;
    private long maxBrokerEpoch = -1;

    WalContent(OpenStore store, ParallelReads reads, int nodeId, Findings findings) {
        this.store = store;
        this.reads = reads;
        this.nodeId = nodeId;
        this.findings = findings;
    }

    void read() {
        Map<Integer, Long> ofOthers = new TreeMap<>();
        store.forEachPage(ObjectKeys.WAL_PREFIX, page -> {
            List<ObjectStat> own = new ArrayList<>();
            for (ObjectStat object : page) {
                String[] parts = object.key().split("/", -1);
                if (!object.key().matches("wal/[0-9]{1,9}/[0-9a-f]{16}/[0-9a-f]{16}")) {
                    continue;
                }
                long brokerEpoch = Long.parseUnsignedLong(parts[2], 16);
                maxBrokerEpoch = Math.max(maxBrokerEpoch, brokerEpoch);
                if (Integer.parseInt(parts[1]) != nodeId) {
                    ofOthers.merge(Integer.parseInt(parts[1]), 1L, Long::sum);
                    continue;
                }
                own.add(object);
            }
            reads.forEach(own, slot -> ObjectVerdict.of(store, slot.key(), ObjectVerdict.ANY_SIZE, true), this::add);
        });
        ofOthers.forEach((broker, count) -> findings.add(Finding.ofObject(
                Kind.EXTRA,
                ObjectKeys.WAL_PREFIX + broker,
                -1,
                -1,
                count + " WAL slots are of node " + broker + ", not of node " + nodeId
                        + ": their records are not recovered; rebuild with --node-id " + broker)));
    }

    private void add(ObjectVerdict verdict) {
        ObjectLayout layout = verdict.layout();
        if (layout == null) {
            return; // deleted since it was listed
        }
        slots++;
        verdict.findings().forEach(findings::add);
        boolean isSound = verdict.findings().isEmpty();
        ObjectKeys.Slot key = ObjectKeys.slot(verdict.key()).orElseThrow();
        List<StreamSegment> held = isSound
                ? layout.segments().stream().map(SegmentTrailer::segment).toList()
                : List.of();
        found.computeIfAbsent(key.brokerEpoch(), epoch -> new FoundWal(nodeId, epoch))
                .add(key.number(), new FoundWal.Slot(isSound, verdict.isFence(), held));
        if (!isSound) {
            return;
        }
        maxObjectId = Math.max(maxObjectId, layout.objectId());
        for (SegmentTrailer trailer : layout.segments()) {
            long streamId = trailer.segment().streamId();
            trailer.checkpoint().epochStarts().forEach(start -> epochs.merge(streamId, start.leaderEpoch(), Math::max));
        }
    }

    /** Finds out which slots count, and reports records that are lost because slots, or others before them, are gone. */
    void checkAgainst(List<RebuiltLog> logs) {
        Map<Long, Long> ends = new HashMap<>();
        logs.forEach(log -> ends.put(log.streamId(), log.endOffset()));
        for (FoundWal wal : found.values()) {
            FoundWal.Usable part = wal.usable(ends);
            usable.add(part);
            part.segments()
                    .forEach(segment -> segments.computeIfAbsent(segment.streamId(), id -> new ArrayList<>())
                            .add(segment));
            reportLost(part);
        }
        reportGaps(ends);
    }

    private void reportLost(FoundWal.Usable part) {
        for (StreamSegment segment : part.lost()) {
            lostEnds.merge(segment.streamId(), segment.endOffset(), Math::max);
            WalState wal = part.wal();
            findings.add(Finding.ofRange(
                    Kind.MISSING,
                    -1,
                    segment.streamId(),
                    segment.startOffset(),
                    segment.endOffset(),
                    "slot " + ObjectKeys.slotKey(wal.brokerId(), wal.brokerEpoch(), part.firstMissing())
                            + " is missing or damaged; these offsets are in a slot behind it, which cannot be recovered"
                            + " without it"));
        }
    }

    private void reportGaps(Map<Long, Long> ends) {
        segments.forEach((streamId, held) -> {
            held.sort(Comparator.comparingLong(StreamSegment::startOffset));
            long next = ends.getOrDefault(streamId, held.get(0).startOffset());
            for (StreamSegment segment : held) {
                if (segment.startOffset() > next) {
                    findings.add(
                            Finding.ofRange(
                                    Kind.GAP,
                                    -1,
                                    streamId,
                                    next,
                                    segment.startOffset(),
                                    "neither an object nor a WAL slot holds these offsets; what WAL slots hold behind them is lost"));
                }
                next = Math.max(next, segment.endOffset());
            }
        });
    }

    /** Streams that only the WAL knows, each with the first offset there, or where what is lost of it ended. */
    Map<Long, Long> streamsWithoutObjects(List<RebuiltLog> logs) {
        Set<Long> known = new HashSet<>();
        logs.forEach(log -> known.add(log.streamId()));
        Map<Long, Long> others = new TreeMap<>();
        lostEnds.forEach((streamId, endOffset) -> {
            if (!known.contains(streamId)) {
                others.put(streamId, endOffset);
            }
        });
        segments.forEach((streamId, held) -> {
            if (!known.contains(streamId)) {
                others.put(
                        streamId,
                        held.stream()
                                .mapToLong(StreamSegment::startOffset)
                                .min()
                                .orElse(0));
            }
        });
        return others;
    }

    /** The greatest leader epoch of a stream's records; −1 if there is none. */
    int leaderEpoch(long streamId) {
        return epochs.getOrDefault(streamId, -1);
    }

    /** The node's own WALs, as far as they count. */
    List<FoundWal.Usable> own() {
        return usable;
    }

    long slotCount() {
        return slots;
    }

    long maxObjectId() {
        return maxObjectId;
    }

    long maxBrokerEpoch() {
        return maxBrokerEpoch;
    }
}
