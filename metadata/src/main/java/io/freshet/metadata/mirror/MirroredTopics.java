// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.metadata.record.ObjectRecord;
import io.freshet.metadata.record.OwnRecord;
import io.freshet.metadata.record.RemoveStreamRecord;
import io.freshet.metadata.record.RowsRecord;
import io.freshet.metadata.record.StreamRecord;
import io.freshet.metadata.record.TrimStreamRecord;
import io.freshet.metadata.state.StreamRows;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** The topics of a mirrored cluster with their streams, for a tool that has nothing but the bucket. Used by one thread. */
public final class MirroredTopics {
    private static final int RECORDS_PER_IMAGE = 5000;

    private final Map<Long, Place> places = new HashMap<>();
    private MetadataImage image = MetadataImage.EMPTY;
    private MetadataDelta delta = new MetadataDelta.Builder().setImage(image).build();
    private int pending;

    private MirroredTopics() {}

    private record Place(Uuid topicId, int partition, long endOffset) {
        Place upTo(long newEndOffset) {
            return newEndOffset > endOffset ? new Place(topicId, partition, newEndOffset) : this;
        }
    }

    /** A topic and its partitions. */
    public record MirroredTopic(
            String name, Uuid topicId, Map<String, String> configs, Map<Integer, MirroredStream> streams) {}

    /** A partition's stream and the end of what was committed. */
    public record MirroredStream(long streamId, long endOffset) {}

    /**
     * Reads the mirror of {@code clusterId}. Blocks on the store.
     *
     * @throws io.freshet.common.FreshetException CORRUPT if the mirror is damaged
     */
    public static List<MirroredTopic> read(MirrorStore store, String clusterId) {
        MirroredTopics topics = new MirroredTopics();
        MirrorReading.forEachRecord(store, clusterId, topics::replay);
        topics.apply();
        return topics.list();
    }

    private void replay(ApiMessageAndVersion entry) {
        if (!(entry.message() instanceof OwnRecord)) {
            delta.replay(entry.message());
            if (++pending >= RECORDS_PER_IMAGE) {
                apply();
            }
        } else if (entry.message() instanceof StreamRecord made) {
            places.put(made.streamId(), new Place(made.topicId(), made.partition(), 0));
        } else if (entry.message() instanceof RemoveStreamRecord removed) {
            places.remove(removed.streamId());
        } else if (entry.message() instanceof RowsRecord rows) {
            StreamRows.forEach(
                    rows,
                    (streamId, topicId, partition, end) -> places.put(streamId, new Place(topicId, partition, end)));
        } else if (entry.message() instanceof ObjectRecord object) {
            object.segments().forEach(segment -> raise(segment.streamId(), segment.endOffset()));
        } else if (entry.message() instanceof TrimStreamRecord trim) {
            raise(trim.streamId(), trim.startOffset());
        }
    }

    private void raise(long streamId, long endOffset) {
        places.computeIfPresent(streamId, (id, place) -> place.upTo(endOffset));
    }

    private void apply() {
        image = delta.apply(new MetadataProvenance(0, 0, 0, true));
        delta = new MetadataDelta.Builder().setImage(image).build();
        pending = 0;
    }

    private List<MirroredTopic> list() {
        Map<Uuid, MirroredTopic> found = new HashMap<>();
        places.forEach((streamId, place) -> Optional.ofNullable(image.topics().getTopic(place.topicId()))
                .ifPresent(topic -> found.computeIfAbsent(place.topicId(), id -> topic(topic))
                        .streams()
                        .put(place.partition(), new MirroredStream(streamId, place.endOffset()))));
        return new ArrayList<>(found.values());
    }

    private MirroredTopic topic(TopicImage topic) {
        Map<String, String> configs = new TreeMap<>();
        Properties properties =
                image.configs().configProperties(new ConfigResource(ConfigResource.Type.TOPIC, topic.name()));
        properties.stringPropertyNames().forEach(key -> configs.put(key, properties.getProperty(key)));
        return new MirroredTopic(topic.name(), topic.id(), configs, new TreeMap<>());
    }
}
