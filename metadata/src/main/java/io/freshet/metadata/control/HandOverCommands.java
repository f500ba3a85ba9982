// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.ClusterController.PartitionHandOver;
import io.freshet.metadata.MemberState;
import io.freshet.metadata.MoveWish;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.jspecify.annotations.Nullable;

/** Moves of partitions that their present leader has stopped and emptied. Metadata thread. */
final class HandOverCommands {
    static final int MAX_PARTITIONS = 20_000;

    private HandOverCommands() {}

    static Decision<List<Boolean>> handOver(
            Speculation state, int brokerId, long brokerEpoch, List<PartitionHandOver> partitions) {
        StreamCommands.requireBrokerEpoch(state.image(), brokerId, brokerEpoch);
        MemberState member = state.manifests().members().member(brokerId);
        if (member != null && member.isLapsed()) {
            throw new FreshetException(
                    ErrorKind.FENCED,
                    "The session of broker " + brokerId + ", epoch " + brokerEpoch
                            + ", is over; it has nothing to hand over any more");
        }
        if (partitions.size() > MAX_PARTITIONS) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Cannot hand over " + partitions.size() + " partitions at once; name at most " + MAX_PARTITIONS);
        }
        Map<Integer, Standing> standings = Standing.of(state);
        List<ApiMessageAndVersion> records = new ArrayList<>();
        List<Boolean> isMoved = new ArrayList<>();
        for (PartitionHandOver wanted : partitions) {
            PartitionRegistration partition = ledBy(state, brokerId, wanted);
            if (wanted.targetBrokerId() == brokerId) {
                if (partition != null) {
                    records.add(LeaderMoves.versioned(state.image(), takenAnew(brokerId, wanted)));
                }
                isMoved.add(partition != null);
                continue;
            }
            Standing target = standings.get(wanted.targetBrokerId());
            boolean canMove = partition != null && target != null && target.isServing() && !target.isStopping();
            if (canMove && partition != null) {
                boolean hasWish =
                        state.manifests().members().wishedOwner(wanted.topicId(), wanted.partition()) != MoveWish.NONE;
                LeaderMoves.add(
                        records,
                        state.image(),
                        wanted.topicId(),
                        wanted.partition(),
                        partition,
                        wanted.targetBrokerId(),
                        hasWish);
            }
            isMoved.add(canMove);
        }
        return Decision.of(records, List.copyOf(isMoved));
    }

    /** The same leader under a new leader epoch; a reassignment and a wish stand. */
    private static PartitionChangeRecord takenAnew(int brokerId, PartitionHandOver wanted) {
        return new PartitionChangeRecord()
                .setTopicId(wanted.topicId())
                .setPartitionId(wanted.partition())
                .setLeader(brokerId);
    }

    private static @Nullable PartitionRegistration ledBy(Speculation state, int brokerId, PartitionHandOver wanted) {
        TopicImage topic = state.image().topics().getTopic(wanted.topicId());
        PartitionRegistration partition =
                topic == null ? null : topic.partitions().get(wanted.partition());
        return partition != null && partition.leader == brokerId && partition.leaderEpoch == wanted.leaderEpoch()
                ? partition
                : null;
    }
}
