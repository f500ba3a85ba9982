// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.jspecify.annotations.Nullable;

/** What commanders were told, and must find. */
final class CommandLedger {
    private final QuorumLedger ledger;
    private final TreeMap<String, Topic> topics = new TreeMap<>();
    private final TreeMap<Long, IdRange> producerIds = new TreeMap<>();
    private final TreeMap<Long, IdRange> objectIds = new TreeMap<>();
    private long acknowledged;

    CommandLedger(QuorumLedger ledger) {
        this.ledger = ledger;
    }

    /** The fate of a name that one commander alone asked for, once. */
    private static final class Topic {
        private @Nullable Uuid id;
        private boolean isCertainlyNotMade;
        private boolean isDeletionAsked;
        private boolean isDeleted;
    }

    long acknowledged() {
        return acknowledged;
    }

    void asked(String topic) {
        topics.put(topic, new Topic());
    }

    /** The answer to the one command that asked for the topic. */
    void answered(String name, short errorCode, Uuid id) {
        acknowledged++;
        Topic topic = topics.get(name);
        Errors error = Errors.forCode(errorCode);
        if (topic != null && error == Errors.NONE) {
            topic.id = id;
        } else if (topic != null) {
            ledger.check(
                    error != Errors.TOPIC_ALREADY_EXISTS,
                    () -> "Topic " + name + " was asked for once, and is said to exist already");
            topic.isCertainlyNotMade = true;
        }
    }

    void failed(String name, Throwable error) {
        Topic topic = topics.get(name);
        if (topic != null && FreshetException.of(error).kind() == ErrorKind.UNAVAILABLE) {
            topic.isCertainlyNotMade = true;
        }
    }

    /** False if somebody has asked before. */
    boolean deletionAsked(String name) {
        Topic topic = topics.get(name);
        if (topic == null || topic.isDeletionAsked) {
            return false;
        }
        topic.isDeletionAsked = true;
        return true;
    }

    /** The answer to the one command that deletes the topic. */
    void deleted(String name, Errors error) {
        acknowledged++;
        Topic topic = topics.get(name);
        if (topic != null) {
            ledger.check(
                    error == Errors.NONE,
                    () -> "Topic " + name + " was to be deleted once, and the answer is " + error);
            topic.isDeleted = true;
        }
    }

    void gotProducerIds(IdRange range) {
        got(producerIds, "Producer ids", range);
    }

    void gotObjectIds(IdRange range) {
        got(objectIds, "Object ids", range);
    }

    private void got(TreeMap<Long, IdRange> given, String what, IdRange range) {
        acknowledged++;
        var lower = given.lowerEntry(range.end());
        ledger.check(
                lower == null || lower.getValue().end() <= range.first(),
                () -> what + " " + range + " overlap with " + lower.getValue() + ", which were given out before");
        given.put(range.first(), range);
    }

    /** What a state that contains all must show. */
    void audit(MetadataImage image) {
        topics.forEach((name, topic) -> {
            TopicImage found = image.topics().getTopic(name);
            if (topic.isDeleted || topic.isCertainlyNotMade) {
                ledger.check(
                        found == null,
                        () -> "Topic " + name + " exists, but its "
                                + (topic.isDeleted ? "deletion was acknowledged" : "making certainly failed"));
            } else if (topic.id != null && !topic.isDeletionAsked) {
                ledger.check(
                        found != null && found.id().equals(topic.id),
                        () -> "Topic " + name + ", id " + topic.id + ", was acknowledged, and is "
                                + (found == null ? "not there" : found.id()));
            }
        });
        long nextProducerId = image.producerIds().nextProducerId();
        ledger.check(
                producerIds.isEmpty() || producerIds.lastEntry().getValue().end() <= nextProducerId,
                () -> "Producer ids up to " + producerIds.lastEntry().getValue() + " were given out, the next is "
                        + nextProducerId);
    }
}
