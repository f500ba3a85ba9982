// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.internals.Topic;
import org.jspecify.annotations.Nullable;

/** Which partition a stream was. Objects do not tell; a map may. Immutable. */
final class TopicNames {
    private final Map<Long, Name> names;

    private TopicNames(Map<Long, Name> names) {
        this.names = names;
    }

    /** A partition. */
    record Name(String topic, int partition) {}

    /** An entry of the map. */
    record Entry(long streamId, String topic, int partition) {}

    /** Reads {@code map}, a JSON list of entries; without one every stream is a topic of its own. */
    static TopicNames load(@Nullable Path map) {
        Map<Long, Name> names = new HashMap<>();
        if (map == null) {
            return new TopicNames(names);
        }
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
        Set<Name> taken = new HashSet<>();
        for (Entry entry : entries) {
            try {
                Topic.validate(String.valueOf(entry.topic()));
            } catch (InvalidTopicException e) {
                throw new FreshetException(
                        ErrorKind.INVALID, "The map " + map + " names a topic that cannot be: " + e.getMessage(), e);
            }
            Name name = new Name(entry.topic(), entry.partition());
            if (!taken.add(name) || names.put(entry.streamId(), name) != null) {
                throw new FreshetException(
                        ErrorKind.INVALID,
                        "The map " + map + " names stream " + entry.streamId() + " or " + name + " twice; correct it");
            }
        }
        return new TopicNames(names);
    }

    Name of(long streamId) {
        Name known = names.get(streamId);
        return known == null ? new Name("recovered-" + streamId, 0) : known;
    }
}
