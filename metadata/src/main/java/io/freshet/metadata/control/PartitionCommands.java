// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicaAssignmentException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreatePartitionsResponseData.CreatePartitionsTopicResult;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/** Adds partitions to topics. Metadata thread. */
final class PartitionCommands {
    private PartitionCommands() {}

    static Decision<List<CreatePartitionsTopicResult>> create(
            Speculation state, List<CreatePartitionsTopic> topics, boolean validateOnly) {
        List<CreatePartitionsTopicResult> results = new ArrayList<>();
        List<ApiMessageAndVersion> records = new ArrayList<>();
        long nextStreamId = state.manifests().nextStreamId();
        Set<String> seen = new HashSet<>();
        Placement placement = new Placement(state);
        for (CreatePartitionsTopic topic : topics) {
            ApiError error = ApiError.NONE;
            if (!seen.add(topic.name())) {
                error = new ApiError(Errors.INVALID_REQUEST, "Topic " + topic.name() + " is named more than once.");
            } else {
                try {
                    nextStreamId += add(state.image(), placement, topic, nextStreamId, records);
                } catch (ApiException e) {
                    error = ApiError.fromThrowable(e);
                }
            }
            results.add(new CreatePartitionsTopicResult()
                    .setName(topic.name())
                    .setErrorCode(error.error().code())
                    .setErrorMessage(error.message()));
        }
        return Decision.of(validateOnly ? List.of() : records, results);
    }

    private static int add(
            MetadataImage image,
            Placement placement,
            CreatePartitionsTopic wanted,
            long firstStreamId,
            List<ApiMessageAndVersion> records) {
        TopicImage topic = image.topics().getTopic(wanted.name());
        if (topic == null) {
            throw new UnknownTopicOrPartitionException();
        }
        int present = topic.partitions().size();
        if (wanted.count() == present) {
            throw new InvalidPartitionsException("Topic already has " + present + " partition(s).");
        }
        if (wanted.count() < present) {
            throw new InvalidPartitionsException("The topic " + wanted.name() + " currently has " + present
                    + " partition(s); " + wanted.count() + " would not be an increase.");
        }
        int additional = wanted.count() - present;
        if (additional > TopicCommands.MAX_PARTITIONS_PER_REQUEST) {
            throw new PolicyViolationException("Adding " + additional + " partitions at once exceeds the limit of "
                    + TopicCommands.MAX_PARTITIONS_PER_REQUEST + " per request.");
        }
        if (wanted.assignments() != null && wanted.assignments().size() != additional) {
            throw new InvalidReplicaAssignmentException("Attempted to add " + additional
                    + " additional partition(s), but only "
                    + wanted.assignments().size() + " assignment(s) were specified.");
        }
        int replicationFactor = topic.partitions().values().stream()
                .mapToInt(partition -> LeaderMoves.wantedReplicas(partition).size())
                .max()
                .orElse(1);
        Placement.Places places = placement.places(topic);
        Map<Integer, List<Integer>> replicas = new TreeMap<>();
        for (int i = 0; i < additional; i++) {
            if (wanted.assignments() == null) {
                replicas.put(present + i, places.next(replicationFactor));
            } else {
                List<Integer> brokers = wanted.assignments().get(i).brokerIds();
                placement.requireValid(brokers);
                replicas.put(present + i, brokers);
            }
        }
        List<ApiMessageAndVersion> added = new ArrayList<>();
        TopicCommands.addPartitions(added, placement, topic.id(), replicas, firstStreamId);
        records.addAll(added);
        return additional;
    }
}
