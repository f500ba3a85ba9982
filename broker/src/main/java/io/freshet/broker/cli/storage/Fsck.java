// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.broker.inspect.StoragePages;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.storage.inspect.Finding;
import io.freshet.storage.inspect.Finding.Kind;
import io.freshet.storage.inspect.ManifestCheck;
import io.freshet.storage.inspect.ObjectLayout;
import io.freshet.storage.inspect.SegmentDigest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Verifies a running node's storage in four passes: the objects that manifests name, the manifests against those objects, the slots
 * of S3 WALs, and the bucket against the quorum. The node goes on meanwhile, so whatever looks wrong is asked about a second time before it counts.
 * Memory is bounded: pages, and digests of objects up to a budget. Used by one thread, which has reads done by others.
 */
final class Fsck {
    private static final long DIGEST_BYTES = 64L << 20;
    private static final int OBJECTS_PER_PROGRESS = 1000;

    private final Printing print;
    private final NodeClient node;
    private final StoragePages.Overview overview;
    private final OpenStore store;
    private final ParallelReads reads;
    private final boolean deep;
    private final Findings findings;
    private final Map<Long, SegmentDigest> digests = new LinkedHashMap<>(16, 0.75f, true);
    private long digestBytes;
    private long objects;
    private long objectBytes;
    private long streams;
    private long segments;
    private final WalFsck wals;
    private long young;
    private long retired;

    Fsck(
            Printing print,
            NodeClient node,
            StoragePages.Overview overview,
            OpenStore store,
            ParallelReads reads,
            boolean deep) {
        this.print = print;
        this.node = node;
        this.overview = overview;
        this.store = store;
        this.reads = reads;
        this.deep = deep;
        this.findings = new Findings(print);
        this.wals = new WalFsck(print, node, store, reads, deep, findings);
    }

    /** The JSON document. */
    record Report(
            String clusterId,
            String store,
            boolean deep,
            long objects,
            long objectBytes,
            long streams,
            long segments,
            long wals,
            long slots,
            long retiredObjects,
            long youngUnknownObjects,
            long findingCount,
            List<Finding> findings) {}

    /** 0 if clean, 1 if not. */
    int run() {
        print.progress(
                "fsck: cluster " + overview.clusterId() + ", " + store.describe() + (deep ? ", every byte" : ""));
        node.forEachObjectPage(this::checkObjects);
        print.progress("fsck: " + objects + " objects verified; now the manifests");
        node.forEachStream(this::checkStream);
        print.progress("fsck: " + streams + " manifests verified; now the S3 WALs and the bucket");
        wals.run();
        store.forEachPage(ObjectKeys.DATA_PREFIX, this::checkListed);
        print.text(
                "%d objects (%d bytes), %d streams, %d segments, %d slots of %d S3 WALs verified%s; %d retired objects wait for deletion, %d unknown "
                        + "ones are younger than the orphan grace of %d ms",
                objects,
                objectBytes,
                streams,
                segments,
                wals.slotCount(),
                wals.walCount(),
                deep ? " to the last byte" : "",
                retired,
                young,
                overview.orphanGraceMs());
        print.text(findings.count() == 0 ? "Clean" : findings.count() + " findings");
        print.json(new Report(
                overview.clusterId(),
                store.describe(),
                deep,
                objects,
                objectBytes,
                streams,
                segments,
                wals.walCount(),
                wals.slotCount(),
                retired,
                young,
                findings.count(),
                findings.kept()));
        return findings.count() == 0 ? 0 : 1;
    }

    private void checkObjects(List<LiveObject> page) {
        reads.forEach(
                page,
                object -> ObjectVerdict.of(store, ObjectKeys.dataKey(object.objectId()), object.sizeBytes(), deep),
                verdict -> {
                    ObjectLayout layout = verdict.layout();
                    if (layout != null) {
                        objectBytes += layout.sizeBytes();
                        keep(layout);
                    }
                    if (++objects % OBJECTS_PER_PROGRESS == 0) {
                        print.progress("fsck: " + objects + " objects, " + findings.count() + " findings");
                    }
                    verdict.findings().forEach(this::addIfStillLive);
                });
    }

    /** An object that was replaced and deleted since its page was read is none of ours. */
    private void addIfStillLive(Finding finding) {
        if (node.known(List.of(finding.objectId())).get(0).equals("live")) {
            findings.add(finding);
        }
    }

    private void checkStream(StoragePages.Stream stream) {
        streams++;
        List<Finding> found = manifest(stream);
        if (!found.isEmpty()) {
            List<StoragePages.Stream> now = node.stream(stream.streamId());
            found = now.isEmpty() ? List.of() : manifest(now.get(0));
        }
        found.forEach(findings::add);
    }

    private List<Finding> manifest(StoragePages.Stream stream) {
        ManifestCheck check = new ManifestCheck(stream.streamId(), stream.startOffset(), stream.endOffset());
        List<Finding> contradictions = new ArrayList<>();
        long[] count = new long[1];
        node.forEachSegment(stream.streamId(), stream.startOffset(), row -> {
            if (row.startOffset() < stream.endOffset()) {
                check.add(row);
                count[0]++;
                compare(row).ifPresent(contradictions::add);
            }
        });
        segments += count[0];
        List<Finding> all = new ArrayList<>(check.finish());
        all.addAll(contradictions);
        return all;
    }

    private Optional<Finding> compare(StreamSegment row) {
        SegmentDigest digest = digests.get(row.objectId());
        if (digest == null) {
            ObjectVerdict verdict =
                    ObjectVerdict.of(store, ObjectKeys.dataKey(row.objectId()), ObjectVerdict.ANY_SIZE, false);
            ObjectLayout layout = verdict.layout();
            if (layout == null || layout.footer() == null || !verdict.findings().isEmpty()) {
                return Optional.empty(); // the object's own finding says it all
            }
            digest = keep(layout);
        }
        return digest.contradiction(row)
                .map(message -> Finding.ofRange(
                        Kind.CONTRADICTION,
                        row.objectId(),
                        row.streamId(),
                        row.startOffset(),
                        row.endOffset(),
                        message));
    }

    private SegmentDigest keep(ObjectLayout layout) {
        SegmentDigest digest = SegmentDigest.of(layout.segments());
        if (!layout.damages().isEmpty() || digests.putIfAbsent(layout.objectId(), digest) != null) {
            return digest;
        }
        digestBytes += digest.heapBytes();
        var eldest = digests.entrySet().iterator();
        while (digestBytes > DIGEST_BYTES && eldest.hasNext()) {
            digestBytes -= eldest.next().getValue().heapBytes();
            eldest.remove();
        }
        return digest;
    }

    private void checkListed(List<ObjectStat> page) {
        List<ObjectStat> ours = page.stream()
                .filter(object -> ObjectKeys.objectId(object.key()) >= 0)
                .toList();
        page.stream()
                .filter(object -> ObjectKeys.objectId(object.key()) < 0)
                .forEach(object -> findings.add(Finding.ofObject(
                        Kind.EXTRA, object.key(), -1, -1, "its name is none that Freshet gives; it is never touched")));
        List<String> states = node.known(
                ours.stream().map(object -> ObjectKeys.objectId(object.key())).toList());
        for (int i = 0; i < ours.size(); i++) {
            if (states.get(i).equals("retired")) {
                retired++;
            } else if (states.get(i).equals("unknown")) {
                unknown(ours.get(i));
            }
        }
    }

    private void unknown(ObjectStat object) {
        long ageMs = overview.nowMs() - object.modifiedAtMs();
        if (ageMs <= overview.orphanGraceMs()) {
            young++;
            return;
        }
        findings.add(Finding.ofObject(
                Kind.EXTRA,
                object.key(),
                ObjectKeys.objectId(object.key()),
                -1,
                "the quorum does not know it; it has " + object.sizeBytes() + " bytes and is " + ageMs / 1000
                        + " s old, more than the orphan grace: the sweeper will delete it"));
    }
}
