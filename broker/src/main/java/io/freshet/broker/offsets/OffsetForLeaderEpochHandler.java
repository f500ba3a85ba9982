// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.offsets;

import io.freshet.broker.api.KafkaErrors;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.Optional;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData.OffsetForLeaderPartition;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData.OffsetForLeaderTopic;
import org.apache.kafka.common.message.OffsetForLeaderEpochResponseData;
import org.apache.kafka.common.message.OffsetForLeaderEpochResponseData.EpochEndOffset;
import org.apache.kafka.common.message.OffsetForLeaderEpochResponseData.OffsetForLeaderTopicResult;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.requests.OffsetsForLeaderEpochRequest;
import org.apache.kafka.common.requests.OffsetsForLeaderEpochResponse;

/** Serves OffsetForLeaderEpoch: where a leader epoch ended. Safe for use by many threads; answers on the caller's. */
public final class OffsetForLeaderEpochHandler implements RequestHandler {
    private final LedPartitions partitions;

    public OffsetForLeaderEpochHandler(LedPartitions partitions) {
        this.partitions = partitions;
    }

    @Override
    public void handle(KafkaRequest request) {
        OffsetsForLeaderEpochRequest body = (OffsetsForLeaderEpochRequest) request.body();
        OffsetForLeaderEpochResponseData answer = new OffsetForLeaderEpochResponseData();
        for (OffsetForLeaderTopic topic : body.data().topics()) {
            OffsetForLeaderTopicResult ofTopic = new OffsetForLeaderTopicResult().setTopic(topic.topic());
            for (OffsetForLeaderPartition partition : topic.partitions()) {
                ofTopic.partitions().add(find(topic.topic(), partition));
            }
            answer.topics().add(ofTopic);
        }
        request.respond(new OffsetsForLeaderEpochResponse(answer));
    }

    private EpochEndOffset find(String topic, OffsetForLeaderPartition wanted) {
        EpochEndOffset answer = new EpochEndOffset().setPartition(wanted.partition());
        Optional<Integer> callersEpoch = wanted.currentLeaderEpoch() == RecordBatch.NO_PARTITION_LEADER_EPOCH
                ? Optional.empty()
                : Optional.of(wanted.currentLeaderEpoch());
        try {
            TopicPartition id = new TopicPartition(topic, wanted.partition());
            partitions
                    .require(id, Uuid.ZERO_UUID, callersEpoch)
                    .epochEndOffset(wanted.leaderEpoch())
                    .ifPresent(end -> answer.setLeaderEpoch(end.leaderEpoch()).setEndOffset(end.endOffset()));
            return answer;
        } catch (RuntimeException e) {
            return answer.setErrorCode(KafkaErrors.recordCodeOf(e).code());
        }
    }
}
