// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.mirror.MirroredTopics.MirroredTopic;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.internals.Topic;
import org.jspecify.annotations.Nullable;

/** Which partition a stream was. Objects do not tell; a map or the metadata's mirror may. Not changed once built. */
final class TopicNames {
    private final Map<Long, Name> names = new TreeMap<>();
    private final Map<Long, Long> ends = new HashMap<>();
    private final Map<String, MirroredTopic> mirrored = new HashMap<>();

    private TopicNames() {}

    /** A partition. */
    record Name(String topic, int partition) {}

    /** An entry of the map. */
    record Entry(long streamId, String topic, int partition) {}

    /** Names of the mirror's topics, and over them those of {@code map}, a JSON list of entries. */
    static TopicNames of(@Nullable Path map, List<MirroredTopic> topics) {
        TopicNames names = new TopicNames();
        for (MirroredTopic topic : topics) {
            names.mirrored.put(topic.name(), topic);
            topic.streams().forEach((partition, stream) -> {
                names.names.put(stream.streamId(), new Name(topic.name(), partition));
                names.ends.put(stream.streamId(), stream.endOffset());
            });
        }
        if (map != null) {
            names.read(map);
        }
        return names;
    }

    private void read(Path map) {
        Entry[] entries;
        try {
            entries = new ObjectMapper().readValue(map.toFile(), Entry[].class);
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Cannot read the map " + map + ": " + e.getMessage()
                            + "; it is a JSON list of {\"streamId\":1,\"topic\":\"orders\",\"partition\":0}",
                    e);
        }
        Map<Long, Name> mapped = new HashMap<>();
        Set<Name> taken = new HashSet<>();
        for (Entry entry : entries) {
            try {
                Topic.validate(String.valueOf(entry.topic()));
            } catch (InvalidTopicException e) {
                throw new FreshetException(
                        ErrorKind.INVALID, "The map " + map + " names a topic that cannot be: " + e.getMessage(), e);
            }
            Name name = new Name(entry.topic(), entry.partition());
            if (!taken.add(name) || mapped.put(entry.streamId(), name) != null) {
                throw new FreshetException(
                        ErrorKind.INVALID,
                        "The map " + map + " names stream " + entry.streamId() + " or " + name + " twice; correct it");
            }
        }
        names.putAll(mapped);
    }

    Name of(long streamId) {
        Name known = names.get(streamId);
        return known == null ? new Name("recovered-" + streamId, 0) : known;
    }

    /** Streams that the mirror knows, each with its committed end then. */
    Map<Long, Long> mirroredEnds() {
        return ends;
    }

    /** The topic's own id if the mirror knows it, else a new one. */
    Uuid topicId(String topic, Supplier<Uuid> otherwise) {
        MirroredTopic known = mirrored.get(topic);
        return known == null ? otherwise.get() : known.topicId();
    }

    /** The topic's configuration if the mirror knows it. */
    Map<String, String> configs(String topic) {
        MirroredTopic known = mirrored.get(topic);
        return known == null ? Map.of() : known.configs();
    }
}
