// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.ForgetObjectsRecord;
import io.freshet.metadata.record.NextIdsRecord;
import io.freshet.metadata.record.ObjectRecord;
import io.freshet.metadata.record.TrimStreamRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import io.freshet.metadata.state.ManifestView;
import io.freshet.metadata.state.ManifestView.StreamBounds;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;

/** Commands on streams and objects. Metadata thread. */
final class StreamCommands {
    private final Inputs inputs;

    StreamCommands(Inputs inputs) {
        this.inputs = inputs;
    }

    /** Fails with FENCED unless {@code brokerEpoch} is the broker's present registration. */
    static void requireBrokerEpoch(MetadataImage image, int brokerId, long brokerEpoch) {
        BrokerRegistration broker = image.cluster().broker(brokerId);
        if (broker == null || broker.epoch() != brokerEpoch) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    "Broker " + brokerId + " has epoch " + (broker == null ? "none" : broker.epoch()) + ", not "
                            + brokerEpoch + ": a newer process has registered; stop this one");
        }
    }

    static @Nullable PartitionRegistration partition(MetadataImage image, StreamBounds stream) {
        TopicImage topic = image.topics().getTopic(stream.topicId());
        return topic == null ? null : topic.partitions().get(stream.partition());
    }

    Decision<IdRange> reserveObjectIds(Speculation state, int count) {
        if (count < 1 || count > 1_000_000) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Cannot reserve " + count + " object ids; ask for 1 to 1000000");
        }
        long first = state.manifests().nextObjectId();
        return Decision.of(List.of(new NextIdsRecord(0, first + count).versioned()), new IdRange(first, first + count));
    }

    Decision<Set<Long>> commitObject(Speculation state, ObjectCommit commit) {
        requireBrokerEpoch(state.image(), commit.brokerId(), commit.brokerEpoch());
        if (state.manifests().isObjectKnown(commit.objectId())) {
            return Decision.of(List.of(), refusedBefore(state.manifests(), commit));
        }
        if (commit.objectId() < 1 || commit.objectId() >= state.manifests().nextObjectId()) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Object id " + commit.objectId() + " was never reserved; reserve ids first");
        }
        state.manifests().prefetchStreams(commit.segments().stream().map(SegmentCommit::segment));
        Set<Long> refused = new TreeSet<>();
        List<StreamSegment> accepted = new ArrayList<>();
        Map<Long, Long> ends = new HashMap<>();
        for (SegmentCommit wanted : commit.segments()) {
            StreamSegment segment = wanted.segment();
            if (!refused.contains(segment.streamId()) && isAcceptable(state, wanted, ends)) {
                ends.put(segment.streamId(), segment.endOffset());
                accepted.add(new StreamSegment(
                        segment.streamId(),
                        segment.startOffset(),
                        segment.endOffset(),
                        commit.objectId(),
                        segment.sizeBytes(),
                        segment.minTimestampMs(),
                        segment.maxTimestampMs()));
            } else {
                refused.add(segment.streamId());
            }
        }
        ObjectRecord made = new ObjectRecord(
                commit.objectId(), commit.sizeBytes(), inputs.clock().wallMs(), accepted);
        return Decision.of(List.of(made.versioned()), refused);
    }

    private static boolean isAcceptable(Speculation state, SegmentCommit wanted, Map<Long, Long> ends) {
        StreamSegment segment = wanted.segment();
        StreamBounds stream = state.manifests().bounds(segment.streamId());
        if (stream == null) {
            return false;
        }
        PartitionRegistration partition = partition(state.image(), stream);
        if (partition == null || partition.leaderEpoch != wanted.leaderEpoch()) {
            return false;
        }
        Long endInCommit = ends.get(segment.streamId());
        if (endInCommit != null) {
            return segment.startOffset() == endInCommit;
        }
        boolean isBehindTrim = stream.startOffset() == stream.endOffset() && segment.startOffset() < stream.endOffset();
        return segment.startOffset() == stream.endOffset() || isBehindTrim;
    }

    /** What a repeated commit refused the first time: what stands neither in a manifest nor below a stream's start. */
    private static Set<Long> refusedBefore(ManifestView manifests, ObjectCommit commit) {
        Set<Long> refused = new TreeSet<>();
        for (SegmentCommit wanted : commit.segments()) {
            StreamSegment segment = wanted.segment();
            StreamBounds stream = manifests.bounds(segment.streamId());
            if (stream == null
                    || (segment.endOffset() > stream.startOffset()
                            && manifests.objectOfSegment(segment.streamId(), segment.startOffset())
                                    != commit.objectId())) {
                refused.add(segment.streamId());
            }
        }
        return refused;
    }

    Decision<Boolean> trimStream(Speculation state, long streamId, int leaderEpoch, long newStartOffset) {
        StreamBounds stream = state.manifests().bounds(streamId);
        PartitionRegistration partition = stream == null ? null : partition(state.image(), stream);
        if (stream == null || partition == null) {
            throw new FreshetException(
                    ErrorKind.MISSING, "Stream " + streamId + " does not exist; its partition was deleted");
        }
        if (partition.leaderEpoch != leaderEpoch) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    "Stream " + streamId + " is in leader epoch " + partition.leaderEpoch + ", not " + leaderEpoch
                            + ": another owner has taken it; reload the partition");
        }
        if (newStartOffset <= stream.startOffset()) {
            return Decision.of(List.of(), true);
        }
        TrimStreamRecord trim =
                new TrimStreamRecord(streamId, newStartOffset, inputs.clock().wallMs());
        return Decision.of(List.of(trim.versioned()), true);
    }

    static Decision<Boolean> forgetObjects(Speculation state, List<Long> objectIds) {
        List<Long> retired = objectIds.stream()
                .distinct()
                .filter(state.manifests()::isObjectRetired)
                .toList();
        return Decision.of(retired.isEmpty() ? List.of() : List.of(new ForgetObjectsRecord(retired).versioned()), true);
    }
}
