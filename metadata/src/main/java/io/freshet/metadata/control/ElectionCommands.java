// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.MoveWish;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.MoveWishRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.message.ElectLeadersRequestData;
import org.apache.kafka.common.message.ElectLeadersRequestData.TopicPartitions;
import org.apache.kafka.common.message.ElectLeadersResponseData;
import org.apache.kafka.common.message.ElectLeadersResponseData.PartitionResult;
import org.apache.kafka.common.message.ElectLeadersResponseData.ReplicaElectionResult;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/**
 * Elections that an operator asks for. A preferred one is a wish that the present leader fulfils. An unclean one takes a
 * partition from a broker that is gone and alone has its newest records: those are given up. Metadata thread.
 */
final class ElectionCommands {
    private final Speculation state;
    private final ElectionType type;
    private final Map<Integer, Standing> standings;
    private final Spread spread;
    private final List<ApiMessageAndVersion> records = new ArrayList<>();

    private ElectionCommands(Speculation state, ElectionType type) {
        this.state = state;
        this.type = type;
        this.standings = Standing.of(state);
        this.spread = new Spread(
                standings.values().stream()
                        .filter(Standing::isWelcome)
                        .map(Standing::brokerId)
                        .toList(),
                LeaderMoves.ledCounts(state.image()));
    }

    static Decision<ElectLeadersResponseData> elect(Speculation state, ElectLeadersRequestData request) {
        ElectionType type;
        try {
            type = ElectionType.valueOf(request.electionType());
        } catch (IllegalArgumentException e) {
            throw new InvalidRequestException("Unknown election type " + request.electionType(), e);
        }
        ElectionCommands election = new ElectionCommands(state, type);
        ElectLeadersResponseData answer = new ElectLeadersResponseData();
        if (request.topicPartitions() == null) {
            election.electAll(answer);
        } else {
            for (TopicPartitions topic : request.topicPartitions()) {
                ReplicaElectionResult ofTopic = new ReplicaElectionResult().setTopic(topic.topic());
                answer.replicaElectionResults().add(ofTopic);
                for (int partition : topic.partitions()) {
                    ofTopic.partitionResult().add(result(partition, election.elect(topic.topic(), partition)));
                }
            }
        }
        return Decision.of(election.records, answer);
    }

    /** Partitions that need no election are left out of the answer. */
    private void electAll(ElectLeadersResponseData answer) {
        for (TopicImage topic : LeaderMoves.inOrder(state.image())) {
            ReplicaElectionResult ofTopic = new ReplicaElectionResult().setTopic(topic.name());
            answer.replicaElectionResults().add(ofTopic);
            for (int partition : new TreeMap<>(topic.partitions()).keySet()) {
                ApiError error = elect(topic.name(), partition);
                if (error.error() != Errors.ELECTION_NOT_NEEDED) {
                    ofTopic.partitionResult().add(result(partition, error));
                }
            }
        }
    }

    private static PartitionResult result(int partition, ApiError error) {
        return new PartitionResult()
                .setPartitionId(partition)
                .setErrorCode(error.error().code())
                .setErrorMessage(error.message());
    }

    private ApiError elect(String topicName, int partitionId) {
        TopicImage topic = state.image().topics().getTopic(topicName);
        if (topic == null) {
            return new ApiError(Errors.UNKNOWN_TOPIC_OR_PARTITION, "No such topic as " + topicName);
        }
        PartitionRegistration partition = topic.partitions().get(partitionId);
        if (partition == null) {
            return new ApiError(
                    Errors.UNKNOWN_TOPIC_OR_PARTITION, "No such partition as " + topicName + "-" + partitionId);
        }
        return type == ElectionType.PREFERRED
                ? prefer(topic, partitionId, partition)
                : giveUpRecords(topic, partitionId, partition);
    }

    private ApiError prefer(TopicImage topic, int partitionId, PartitionRegistration partition) {
        int preferred = LeaderMoves.wantedReplicas(partition).get(0);
        if (partition.leader == preferred) {
            return new ApiError(Errors.ELECTION_NOT_NEEDED);
        }
        Standing target = standings.get(preferred);
        if (target == null || !target.isWelcome()) {
            return new ApiError(Errors.PREFERRED_LEADER_NOT_AVAILABLE);
        }
        if (state.manifests().members().wishedOwner(topic.id(), partitionId) != preferred) {
            records.add(new MoveWishRecord(new MoveWish(topic.id(), partitionId, preferred)).versioned());
        }
        return ApiError.NONE;
    }

    private ApiError giveUpRecords(TopicImage topic, int partitionId, PartitionRegistration partition) {
        Standing leader = standings.get(partition.leader);
        if (leader != null && !leader.isGone()) {
            return new ApiError(Errors.ELECTION_NOT_NEEDED);
        }
        if (leader != null && leader.hasOpenWal()) {
            return new ApiError(
                    Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE,
                    "The write-ahead log of broker " + partition.leader + " is being taken over; nothing need be lost");
        }
        OptionalInt newLeader = spread.next(LeaderMoves.wantedReplicas(partition)::contains);
        if (newLeader.isEmpty()) {
            return new ApiError(Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE);
        }
        boolean hasWish = state.manifests().members().wishedOwner(topic.id(), partitionId) != MoveWish.NONE;
        LeaderMoves.add(records, state.image(), topic.id(), partitionId, partition, newLeader.getAsInt(), hasWish);
        return ApiError.NONE;
    }
}
