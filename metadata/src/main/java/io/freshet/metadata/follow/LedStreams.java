// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.follow;

import io.freshet.metadata.Manifests;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicDelta;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;

/** The streams of the partitions that one broker leads, as images change. Metadata thread. */
final class LedStreams {
    private final int brokerId;
    private final Manifests manifests;
    private final Map<Uuid, Map<Integer, Long>> streamsByTopic = new HashMap<>();
    private final Set<Long> led = new HashSet<>();
    private boolean lacksStreams;

    /** @param manifests knows the stream of each partition */
    LedStreams(int brokerId, Manifests manifests) {
        this.brokerId = brokerId;
        this.manifests = manifests;
    }

    boolean isLed(long streamId) {
        return led.contains(streamId);
    }

    /** Whether a partition is led whose stream is not known; then {@link #onReplaced} is worth a try later. */
    boolean lacksStreams() {
        return lacksStreams;
    }

    /** What has begun or ended with one change of the image. */
    record Changes(List<Long> begun, List<Long> ended) {}

    /** Follows one change. */
    Changes onChange(MetadataDelta delta) {
        Changes changes = new Changes(new ArrayList<>(), new ArrayList<>());
        if (delta.topicsDelta() == null) {
            return changes;
        }
        for (Uuid deleted : delta.topicsDelta().deletedTopicIds()) {
            Map<Integer, Long> streams = streamsByTopic.remove(deleted);
            if (streams != null) {
                streams.values().forEach(streamId -> ended(streamId, changes));
            }
        }
        for (TopicDelta topic : delta.topicsDelta().changedTopics().values()) {
            topic.partitionChanges()
                    .forEach((partition, registration) -> follow(topic.id(), partition, registration, changes));
        }
        return changes;
    }

    /** Begins anew with an image of which nothing is known. */
    Changes onReplaced(MetadataImage image) {
        Changes changes = new Changes(new ArrayList<>(), new ArrayList<>());
        Set<Long> before = Set.copyOf(led);
        led.clear();
        streamsByTopic.clear();
        lacksStreams = false;
        for (TopicImage topic : image.topics().topicsById().values()) {
            topic.partitions()
                    .forEach((partition, registration) -> follow(topic.id(), partition, registration, changes));
        }
        before.stream().filter(streamId -> !led.contains(streamId)).forEach(changes.ended::add);
        return changes;
    }

    private void follow(Uuid topicId, int partition, PartitionRegistration registration, Changes changes) {
        if (registration.leader == brokerId) {
            OptionalLong streamId = manifests.streamId(topicId, partition);
            lacksStreams |= streamId.isEmpty();
            if (streamId.isPresent()) {
                streamsByTopic.computeIfAbsent(topicId, id -> new HashMap<>()).put(partition, streamId.getAsLong());
                if (led.add(streamId.getAsLong())) {
                    changes.begun.add(streamId.getAsLong());
                }
            }
        } else {
            Map<Integer, Long> streams = streamsByTopic.get(topicId);
            Long streamId = streams == null ? null : streams.remove(partition);
            if (streamId != null) {
                ended(streamId, changes);
            }
        }
    }

    private void ended(long streamId, Changes changes) {
        if (led.remove(streamId)) {
            changes.ended.add(streamId);
        }
    }
}
