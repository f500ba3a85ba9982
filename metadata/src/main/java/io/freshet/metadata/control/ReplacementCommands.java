// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.SegmentReplacement.NewObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.ReplaceSegmentsRecord;
import io.freshet.metadata.record.ReplaceSegmentsRecord.RemovedSegment;
import io.freshet.metadata.state.ClusterState.Speculation;
import io.freshet.metadata.state.ManifestView;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The command of compactions. What is wrong in itself (a gap, an object that is not listed) is INVALID; what no longer
 * fits the manifests refuses its stream. Metadata thread.
 */
final class ReplacementCommands {
    private final Inputs inputs;

    ReplacementCommands(Inputs inputs) {
        this.inputs = inputs;
    }

    Decision<Set<Long>> replace(Speculation state, SegmentReplacement wanted) {
        StreamCommands.requireBrokerEpoch(state.image(), wanted.brokerId(), wanted.brokerEpoch());
        ManifestView manifests = state.manifests();
        Map<Long, List<StreamSegment>> removed = byStream(wanted.removed());
        Map<Long, List<StreamSegment>> inserted = byStream(wanted.inserted());
        requireWhole(removed, inserted);
        requireListed(wanted, manifests.nextObjectId());
        if (wanted.objects().stream().anyMatch(object -> manifests.isObjectKnown(object.objectId()))) {
            return Decision.of(List.of(), refusedBefore(manifests, inserted));
        }
        manifests.prefetchStreams(wanted.removed().stream());
        manifests.prefetchSegments(wanted.removed());
        Set<Long> refused = new TreeSet<>();
        List<RemovedSegment> leaving = new ArrayList<>();
        List<StreamSegment> coming = new ArrayList<>();
        removed.forEach((streamId, segments) -> {
            if (isInManifest(manifests, streamId, segments)) {
                segments.forEach(segment ->
                        leaving.add(new RemovedSegment(streamId, segment.startOffset(), segment.objectId())));
                coming.addAll(segmentsOf(inserted, streamId));
            } else {
                refused.add(streamId);
            }
        });
        ReplaceSegmentsRecord change =
                new ReplaceSegmentsRecord(inputs.clock().wallMs(), wanted.objects(), leaving, coming);
        return Decision.of(List.of(change.versioned()), refused);
    }

    private static Map<Long, List<StreamSegment>> byStream(List<StreamSegment> segments) {
        Map<Long, List<StreamSegment>> sorted = new TreeMap<>();
        for (StreamSegment segment : segments) {
            sorted.computeIfAbsent(segment.streamId(), key -> new ArrayList<>()).add(segment);
        }
        return sorted;
    }

    private static List<StreamSegment> segmentsOf(Map<Long, List<StreamSegment>> byStream, long streamId) {
        return Objects.requireNonNull(byStream.get(streamId));
    }

    /** Every stream's segments follow one another, and the inserted ones cover what the removed ones did. */
    private static void requireWhole(Map<Long, List<StreamSegment>> removed, Map<Long, List<StreamSegment>> inserted) {
        if (!removed.keySet().equals(inserted.keySet())) {
            throw invalid("removes segments of the streams " + removed.keySet() + " but inserts into the streams "
                    + inserted.keySet() + "; name segments of both kinds for each stream");
        }
        removed.forEach((streamId, leaving) -> {
            List<StreamSegment> coming = segmentsOf(inserted, streamId);
            requireNoGap("removed", leaving);
            requireNoGap("inserted", coming);
            if (startOf(leaving) != startOf(coming) || endOf(leaving) != endOf(coming)) {
                throw invalid("removes offsets " + startOf(leaving) + " to " + endOf(leaving) + " of stream " + streamId
                        + " but inserts " + startOf(coming) + " to " + endOf(coming) + "; cover the same offsets");
            }
        });
    }

    private static void requireNoGap(String kind, List<StreamSegment> segments) {
        for (int i = 1; i < segments.size(); i++) {
            if (segments.get(i).startOffset() != segments.get(i - 1).endOffset()) {
                throw invalid("names " + kind + " segments of stream "
                        + segments.get(i).streamId() + " of which one ends at "
                        + segments.get(i - 1).endOffset() + " and the next begins at "
                        + segments.get(i).startOffset() + "; sort them and leave no gap");
            }
        }
    }

    private static long startOf(List<StreamSegment> segments) {
        return segments.get(0).startOffset();
    }

    private static long endOf(List<StreamSegment> segments) {
        return segments.get(segments.size() - 1).endOffset();
    }

    /** The inserted segments are in the new objects, whose ids were reserved. */
    private static void requireListed(SegmentReplacement wanted, long nextObjectId) {
        Set<Long> listed = new HashSet<>();
        for (NewObject object : wanted.objects()) {
            if (object.objectId() < 1 || object.objectId() >= nextObjectId) {
                throw invalid(
                        "names the object " + object.objectId() + ", which was never reserved; reserve ids first");
            }
            if (!listed.add(object.objectId()) || object.sizeBytes() < 0) {
                throw invalid("names the object " + object + " twice or with a negative size; name it once");
            }
        }
        for (StreamSegment segment : wanted.inserted()) {
            if (!listed.contains(segment.objectId())) {
                throw invalid("inserts " + segment + ", whose object is none of the new ones; list it with its size");
            }
        }
        if (listed.isEmpty()) {
            throw invalid("names no new object; there is nothing to commit");
        }
    }

    private static boolean isInManifest(ManifestView manifests, long streamId, List<StreamSegment> segments) {
        if (manifests.bounds(streamId) == null) {
            return false;
        }
        for (StreamSegment segment : segments) {
            @Nullable StreamSegment present = manifests.segment(streamId, segment.startOffset());
            if (present == null
                    || present.endOffset() != segment.endOffset()
                    || present.objectId() != segment.objectId()) {
                return false;
            }
        }
        return true;
    }

    /**
     * What a repeat is told: a stream was accepted if an inserted segment stands. One whose inserted segments have all been
     * trimmed or replaced since looks refused; its caller reads the manifest anew, which is right then too.
     */
    private static Set<Long> refusedBefore(ManifestView manifests, Map<Long, List<StreamSegment>> inserted) {
        Set<Long> refused = new TreeSet<>();
        inserted.forEach((streamId, segments) -> {
            boolean isStanding = segments.stream()
                    .anyMatch(segment ->
                            manifests.objectOfSegment(streamId, segment.startOffset()) == segment.objectId());
            if (!isStanding) {
                refused.add(streamId);
            }
        });
        return refused;
    }

    private static FreshetException invalid(String what) {
        return new FreshetException(ErrorKind.INVALID, "The replacement " + what);
    }
}
