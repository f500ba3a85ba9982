// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.MoveWish;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.record.MoveWishRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.NoReassignmentInProgressException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignablePartition;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignableTopic;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData.ReassignablePartitionResponse;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData.ReassignableTopicResponse;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;

/**
 * Reassignments, as Kafka's tool asks for them. Replicas are names here, so one that keeps the leader is done at once; one that
 * takes the leader away is noted in the partition as in Kafka, with a wish for the move, and done when the leader has handed
 * over or is gone. Metadata thread.
 */
final class ReassignCommands {
    private ReassignCommands() {}

    static Decision<AlterPartitionReassignmentsResponseData> alter(
            Speculation state, AlterPartitionReassignmentsRequestData request) {
        Map<Integer, Standing> standings = Standing.of(state);
        AlterPartitionReassignmentsResponseData answer = new AlterPartitionReassignmentsResponseData()
                .setErrorMessage(null)
                .setAllowReplicationFactorChange(request.allowReplicationFactorChange());
        List<ApiMessageAndVersion> records = new ArrayList<>();
        for (ReassignableTopic topic : request.topics()) {
            ReassignableTopicResponse ofTopic = new ReassignableTopicResponse().setName(topic.name());
            for (ReassignablePartition wanted : topic.partitions()) {
                ApiError error = ApiError.NONE;
                try {
                    records.addAll(
                            alter(state, standings, topic.name(), wanted, request.allowReplicationFactorChange()));
                } catch (ApiException e) {
                    error = ApiError.fromThrowable(e);
                }
                ofTopic.partitions()
                        .add(new ReassignablePartitionResponse()
                                .setPartitionIndex(wanted.partitionIndex())
                                .setErrorCode(error.error().code())
                                .setErrorMessage(error.message()));
            }
            answer.responses().add(ofTopic);
        }
        return Decision.of(records, answer);
    }

    private static List<ApiMessageAndVersion> alter(
            Speculation state,
            Map<Integer, Standing> standings,
            String topicName,
            ReassignablePartition wanted,
            boolean mayChangeFactor) {
        TopicImage topic = state.image().topics().getTopic(topicName);
        if (topic == null) {
            throw new UnknownTopicOrPartitionException("Unable to find a topic named " + topicName + ".");
        }
        PartitionRegistration partition = topic.partitions().get(wanted.partitionIndex());
        if (partition == null) {
            throw new UnknownTopicOrPartitionException(
                    "Unable to find partition " + topicName + ":" + wanted.partitionIndex() + ".");
        }
        int wished = state.manifests().members().wishedOwner(topic.id(), wanted.partitionIndex());
        Change change = new Change(state, standings, topic.id(), wanted.partitionIndex(), partition, wished);
        if (wanted.replicas() == null) {
            return change.cancel();
        }
        List<Integer> target = wanted.replicas();
        Placement.requireValid(state.image(), target);
        int present = LeaderMoves.wantedReplicas(partition).size();
        if (!mayChangeFactor && target.size() != present) {
            throw new InvalidReplicationFactorException("The replication factor is changed from " + present + " to "
                    + target.size() + ", which the request does not allow.");
        }
        return change.to(target);
    }

    /** A change of one partition's replicas. */
    private record Change(
            Speculation state,
            Map<Integer, Standing> standings,
            Uuid topicId,
            int partitionId,
            PartitionRegistration partition,
            int wished) {
        List<ApiMessageAndVersion> cancel() {
            if (!LeaderMoves.isReassigning(partition)) {
                throw new NoReassignmentInProgressException("No partition reassignment is in progress.");
            }
            return at(before());
        }

        /** The replicas that the partition had before its reassignment, if there is one. */
        private List<Integer> before() {
            List<Integer> replicas = new ArrayList<>(LeaderMoves.boxed(partition.replicas));
            replicas.removeAll(LeaderMoves.boxed(partition.addingReplicas));
            return replicas;
        }

        List<ApiMessageAndVersion> to(List<Integer> target) {
            if (target.contains(partition.leader)) {
                return at(target);
            }
            List<Integer> before = before();
            List<Integer> removing = new ArrayList<>(before);
            removing.removeAll(target);
            List<Integer> adding = new ArrayList<>(target);
            adding.removeAll(before);
            List<Integer> meanwhile = new ArrayList<>(target);
            meanwhile.addAll(removing);
            PartitionChangeRecord change = LeaderMoves.replicas(topicId, partitionId, meanwhile)
                    .setAddingReplicas(adding)
                    .setRemovingReplicas(removing);
            int owner = target.stream().filter(this::canTake).findFirst().orElse(target.get(0));
            return List.of(
                    LeaderMoves.versioned(state.image(), change),
                    new MoveWishRecord(new MoveWish(topicId, partitionId, owner)).versioned());
        }

        private boolean canTake(int brokerId) {
            Standing standing = standings.get(brokerId);
            return standing != null && standing.isServing() && !standing.isStopping();
        }

        /** The leader stays, so nothing needs to be handed over. */
        private List<ApiMessageAndVersion> at(List<Integer> replicas) {
            List<ApiMessageAndVersion> records = new ArrayList<>();
            if (LeaderMoves.isReassigning(partition) || !replicas.equals(LeaderMoves.boxed(partition.replicas))) {
                PartitionChangeRecord change = LeaderMoves.replicas(topicId, partitionId, replicas);
                if (LeaderMoves.isReassigning(partition)) {
                    change.setAddingReplicas(List.of()).setRemovingReplicas(List.of());
                }
                records.add(LeaderMoves.versioned(state.image(), change));
            }
            if (wished != MoveWish.NONE) {
                records.add(new MoveWishRecord(new MoveWish(topicId, partitionId, MoveWish.NONE)).versioned());
            }
            return records;
        }
    }
}
