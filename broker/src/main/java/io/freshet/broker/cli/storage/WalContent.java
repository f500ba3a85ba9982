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
 * start recovers, fences and seals them, as after any crash. Used by one thread.
 */
final class WalContent {
    private final OpenStore store;
    private final ParallelReads reads;
    private final int nodeId;
    private final Findings findings;
    /** First slot by broker and epoch, of the node that will start. */
    private final Map<Long, Long> firstSlots = new TreeMap<>();

    private final Map<Long, List<StreamSegment>> segments = new TreeMap<>();
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
                firstSlots.merge(brokerEpoch, Long.parseUnsignedLong(parts[3], 16), Math::min);
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
        slots++;
        verdict.findings().forEach(findings::add);
        ObjectLayout layout = verdict.layout();
        if (layout == null || !verdict.findings().isEmpty()) {
            return;
        }
        maxObjectId = Math.max(maxObjectId, layout.objectId());
        for (SegmentTrailer trailer : layout.segments()) {
            long streamId = trailer.segment().streamId();
            segments.computeIfAbsent(streamId, id -> new ArrayList<>()).add(trailer.segment());
            trailer.checkpoint().epochStarts().forEach(start -> epochs.merge(streamId, start.leaderEpoch(), Math::max));
        }
    }

    /** Reports records that recovery will have to reject because others before them are gone. */
    void checkAgainst(List<RebuiltLog> logs) {
        Map<Long, Long> ends = new HashMap<>();
        logs.forEach(log -> ends.put(log.streamId(), log.endOffset()));
        segments.forEach((streamId, found) -> {
            found.sort(Comparator.comparingLong(StreamSegment::startOffset));
            long next = ends.getOrDefault(streamId, found.get(0).startOffset());
            for (StreamSegment segment : found) {
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

    /** Streams that only the WAL knows, each with the first offset there. */
    Map<Long, Long> streamsWithoutObjects(List<RebuiltLog> logs) {
        Set<Long> known = new HashSet<>();
        logs.forEach(log -> known.add(log.streamId()));
        Map<Long, Long> others = new TreeMap<>();
        segments.forEach((streamId, found) -> {
            if (!known.contains(streamId)) {
                others.put(
                        streamId,
                        found.stream()
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

    /** The node's own WALs, none of them sealed. */
    List<WalState> own() {
        List<WalState> wals = new ArrayList<>();
        firstSlots.forEach(
                (brokerEpoch, slot) -> wals.add(new WalState(nodeId, brokerEpoch, slot, WalState.NOT_SEALED)));
        return wals;
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
