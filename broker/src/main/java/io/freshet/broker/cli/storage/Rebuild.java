// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.broker.cli.storage.TopicNames.Name;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.MetadataRebuild;
import io.freshet.metadata.MetadataRebuild.RebuiltPartition;
import io.freshet.metadata.mirror.MirrorReading;
import io.freshet.metadata.mirror.MirroredTopics;
import io.freshet.metadata.mirror.MirroredTopics.MirroredTopic;
import io.freshet.storage.inspect.Finding;
import io.freshet.storage.inspect.Finding.Kind;
import io.freshet.storage.rebuild.FoundSegment;
import io.freshet.storage.rebuild.LogRebuild;
import io.freshet.storage.rebuild.RebuiltLog;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.kafka.common.Uuid;
import org.jspecify.annotations.Nullable;

/**
 * Builds the metadata of a lost quorum from a bucket: objects, WAL slots, and names from a map or from the mirror of the metadata. Memory grows with the number of
 * segments in the bucket, about 300 bytes each. Used by one thread, which has reads done by others.
 */
final class Rebuild {
    private static final String CONTROLLER_HOST = "localhost";
    private static final int CONTROLLER_PORT = 9093;
    /** Ids come in ranges, of which the bucket shows a part only: the new quorum begins this far above what was seen. */
    private static final long ID_MARGIN = 1L << 20;
    /** Leader epoch of a stream without a single record: nothing that is left could contradict it. */
    private static final int MIRRORED_EPOCH = 1 << 16;

    private final Printing print;
    private final OpenStore store;
    private final ParallelReads reads;
    private final Options options;
    private final Findings findings;
    private boolean hasMirror;

    /** What the command line says. */
    record Options(
            Path data,
            int nodeId,
            @Nullable String clusterId,
            @Nullable Path map,
            boolean acceptsLoss,
            boolean deep,
            String bucket) {}

    /** A stream as it was put together. */
    record RebuiltStream(
            long streamId,
            String topic,
            int partition,
            long startOffset,
            long endOffset,
            int segments,
            int leaderEpoch) {}

    /** The JSON document. */
    record Report(
            String clusterId,
            int nodeId,
            boolean written,
            long objectsRead,
            long objectsUsed,
            long slotsRead,
            List<RebuiltStream> streams,
            long findingCount,
            List<Finding> findings) {}

    Rebuild(Printing print, OpenStore store, ParallelReads reads, Options options) {
        this.print = print;
        this.store = store;
        this.reads = reads;
        this.options = options;
        this.findings = new Findings(print);
    }

    /** 0 if everything was there, 1 if something is lost; written only in the first case, or if loss is accepted. */
    int run() {
        MetadataRebuild.requireEmpty(options.data());
        BucketContent bucket = new BucketContent(print, store, reads, options.deep(), findings);
        bucket.read();
        TopicNames names = TopicNames.of(options.map(), mirroredTopics());
        List<RebuiltLog> logs = new ArrayList<>();
        bucket.segments().forEach((streamId, found) -> logs.add(LogRebuild.of(streamId, found)));
        for (RebuiltLog log : logs) {
            log.gaps()
                    .forEach(gap -> findings.add(Finding.ofRange(
                            Kind.GAP,
                            -1,
                            log.streamId(),
                            gap.startOffset(),
                            gap.endOffset(),
                            "no object holds these offsets; the log would begin anew at " + log.startOffset())));
        }
        logs.forEach(log -> noteLateStart(log, bucket.segments().getOrDefault(log.streamId(), List.of())));
        Map<Long, List<StreamSegment>> byObject = new TreeMap<>();
        for (RebuiltLog log : logs) {
            new PieceRows(store, bucket, log)
                    .rows()
                    .forEach(row -> byObject.computeIfAbsent(row.objectId(), id -> new ArrayList<>())
                            .add(row));
        }
        WalContent wals = new WalContent(store, reads, options.nodeId(), findings);
        wals.read();
        wals.checkAgainst(logs);
        List<RebuiltStream> streams = streams(logs, wals, names);
        boolean isLossy = findings.count() > 0;
        boolean isWritten = !isLossy || options.acceptsLoss();
        String clusterId =
                options.clusterId() == null ? MetadataFormat.newClusterId(Randomness.secure()) : options.clusterId();
        if (isWritten) {
            write(clusterId, bucket, wals, names, streams, byObject);
        }
        report(clusterId, isWritten, bucket, wals, streams, byObject.size());
        return isLossy ? 1 : 0;
    }

    /** A trim after the last upload and the loss of the oldest objects look the same: no finding, but it is said. */
    private void noteLateStart(RebuiltLog log, List<FoundSegment> found) {
        long historyStart = found.stream()
                .filter(segment -> !segment.epochStarts().isEmpty())
                .mapToLong(segment -> segment.epochStarts().get(0).startOffset())
                .max()
                .orElse(0);
        if (log.gaps().isEmpty() && log.startOffset() > historyStart) {
            print.progress("rebuild: stream " + log.streamId() + " begins at " + log.startOffset() + "; offsets "
                    + historyStart + " to " + log.startOffset()
                    + " were trimmed after the last upload, or their objects are lost");
        }
    }

    /** Topics of the metadata's mirror in the bucket; none if it has no mirror, or the mirror cannot be read. */
    private List<MirroredTopic> mirroredTopics() {
        ReadOnlyMirror mirror = new ReadOnlyMirror(store);
        Optional<String> cluster = MirrorReading.clusterId(mirror);
        if (cluster.isEmpty()) {
            return List.of();
        }
        hasMirror = true;
        print.progress("rebuild: the bucket holds a mirror of the metadata of cluster " + cluster.get()
                + "; freshet up with metadata.mirror=sync on an empty directory restores all of it. What is rebuilt here"
                + " takes topics from it, and cannot share the bucket with it: start with metadata.mirror=off");
        try {
            return MirroredTopics.read(mirror, cluster.get());
        } catch (FreshetException e) {
            if (e.kind() != ErrorKind.CORRUPT) {
                throw e;
            }
            print.progress("rebuild: the mirror cannot be read, so topics have no names from it: " + e.getMessage());
            return List.of();
        }
    }

    private static List<RebuiltStream> streams(List<RebuiltLog> logs, WalContent wals, TopicNames names) {
        List<RebuiltStream> streams = new ArrayList<>();
        for (RebuiltLog log : logs) {
            Name name = names.of(log.streamId());
            int epoch = Math.max(log.leaderEpoch(), wals.leaderEpoch(log.streamId()));
            streams.add(new RebuiltStream(
                    log.streamId(),
                    name.topic(),
                    name.partition(),
                    log.startOffset(),
                    log.endOffset(),
                    log.pieces().size(),
                    epoch));
        }
        wals.streamsWithoutObjects(logs).forEach((streamId, startOffset) -> {
            Name name = names.of(streamId);
            streams.add(new RebuiltStream(
                    streamId, name.topic(), name.partition(), startOffset, startOffset, 0, wals.leaderEpoch(streamId)));
        });
        Set<Long> known = new HashSet<>();
        streams.forEach(stream -> known.add(stream.streamId()));
        names.mirroredEnds().forEach((streamId, endOffset) -> {
            if (known.add(streamId)) { // nothing is left of it; its offsets go on all the same
                Name name = names.of(streamId);
                streams.add(new RebuiltStream(
                        streamId, name.topic(), name.partition(), endOffset, endOffset, 0, MIRRORED_EPOCH));
            }
        });
        streams.sort(Comparator.comparing(RebuiltStream::topic).thenComparingInt(RebuiltStream::partition));
        return streams;
    }

    private void write(
            String clusterId,
            BucketContent bucket,
            WalContent wals,
            TopicNames names,
            List<RebuiltStream> streams,
            Map<Long, List<StreamSegment>> byObject) {
        MetadataRebuild metadata =
                new MetadataRebuild(options.nodeId(), Clock.system().wallMs());
        addTopics(metadata, streams, names);
        byObject.forEach((objectId, rows) -> {
            rows.sort(Comparator.comparingLong(StreamSegment::streamId).thenComparingLong(StreamSegment::startOffset));
            metadata.addObject(objectId, bucket.sizeBytes(objectId), rows);
        });
        for (FoundWal.Usable wal : wals.own()) {
            metadata.addWal(wal.wal());
            if (wal.wal().isSealed()) {
                metadata.addSeal(wal.seal());
            }
        }
        long nextStreamId =
                1 + streams.stream().mapToLong(RebuiltStream::streamId).max().orElse(0);
        long nextObjectId = Math.max(bucket.maxObjectId(), wals.maxObjectId()) + ID_MARGIN;
        metadata.finish(
                options.data(),
                clusterId,
                randomId(),
                CONTROLLER_HOST,
                CONTROLLER_PORT,
                new MetadataRebuild.Bounds(
                        nextStreamId + ID_MARGIN,
                        nextObjectId,
                        bucket.maxProducerId() + ID_MARGIN,
                        Math.max(wals.maxBrokerEpoch(), 0) + ID_MARGIN));
    }

    /** Partitions of one topic must be numbered from 0 without a hole; a map that leaves one is the caller's mistake. */
    private static void addTopics(MetadataRebuild metadata, List<RebuiltStream> streams, TopicNames names) {
        Map<String, List<RebuiltPartition>> topics = new TreeMap<>();
        for (RebuiltStream stream : streams) {
            List<RebuiltPartition> partitions = topics.computeIfAbsent(stream.topic(), name -> new ArrayList<>());
            if (stream.partition() != partitions.size()) {
                throw new FreshetException(
                        ErrorKind.INVALID,
                        "Topic " + stream.topic() + " would have partition " + stream.partition() + " (stream "
                                + stream.streamId() + ") where partition " + partitions.size()
                                + " was due; correct the map");
            }
            partitions.add(new RebuiltPartition(
                    stream.partition(), stream.streamId(), stream.leaderEpoch(), stream.startOffset()));
        }
        topics.forEach((name, partitions) ->
                metadata.addTopic(name, names.topicId(name, Rebuild::randomId), names.configs(name), partitions));
    }

    private static Uuid randomId() {
        while (true) {
            UUID random = Randomness.secure().nextUuid();
            Uuid id = new Uuid(random.getMostSignificantBits(), random.getLeastSignificantBits());
            if (!Uuid.RESERVED.contains(id) && !id.toString().startsWith("-")) {
                return id;
            }
        }
    }

    private void report(
            String clusterId,
            boolean isWritten,
            BucketContent bucket,
            WalContent wals,
            List<RebuiltStream> streams,
            int objectsUsed) {
        for (RebuiltStream stream : streams) {
            print.text(
                    "%s-%d: stream %d, offsets [%d, %d) in %d segments, leader epoch %d",
                    stream.topic(),
                    stream.partition(),
                    stream.streamId(),
                    stream.startOffset(),
                    stream.endOffset(),
                    stream.segments(),
                    stream.leaderEpoch());
        }
        print.text(
                "%d streams from %d of %d objects; %d WAL slots will be recovered by the node's first start",
                streams.size(), objectsUsed, bucket.objectCount(), wals.slotCount());
        if (isWritten) {
            print.text(
                    "Wrote the metadata of cluster %s, node %d, to %s. Start with: bin/freshet up --data %s --bucket '%s'%s",
                    clusterId,
                    options.nodeId(),
                    options.data(),
                    options.data(),
                    options.bucket(),
                    hasMirror ? " --override metadata.mirror=off" : "");
        } else {
            print.text(
                    "Nothing was written: %d findings mean loss. Restore what is missing, or repeat with --accept-loss.",
                    findings.count());
        }
        print.json(new Report(
                clusterId,
                options.nodeId(),
                isWritten,
                bucket.objectCount(),
                objectsUsed,
                wals.slotCount(),
                streams,
                findings.count(),
                findings.kept()));
    }
}
