// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.offsets;

import io.freshet.broker.api.KafkaErrors;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.Optional;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.DescribeProducersRequestData.TopicRequest;
import org.apache.kafka.common.message.DescribeProducersResponseData;
import org.apache.kafka.common.message.DescribeProducersResponseData.PartitionResponse;
import org.apache.kafka.common.message.DescribeProducersResponseData.TopicResponse;
import org.apache.kafka.common.requests.DescribeProducersRequest;
import org.apache.kafka.common.requests.DescribeProducersResponse;

/** Serves DescribeProducers: the producers that partitions remember. Safe for use by many threads; answers on the caller's. */
public final class DescribeProducersHandler implements RequestHandler {
    private final LedPartitions partitions;

    public DescribeProducersHandler(LedPartitions partitions) {
        this.partitions = partitions;
    }

    @Override
    public void handle(KafkaRequest request) {
        DescribeProducersRequest body = (DescribeProducersRequest) request.body();
        DescribeProducersResponseData answer = new DescribeProducersResponseData();
        for (TopicRequest topic : body.data().topics()) {
            TopicResponse ofTopic = new TopicResponse().setName(topic.name());
            for (int partition : topic.partitionIndexes()) {
                ofTopic.partitions().add(describe(new TopicPartition(topic.name(), partition)));
            }
            answer.topics().add(ofTopic);
        }
        request.respond(new DescribeProducersResponse(answer));
    }

    private PartitionResponse describe(TopicPartition id) {
        PartitionResponse answer = new PartitionResponse().setPartitionIndex(id.partition());
        try {
            return answer.setActiveProducers(
                    partitions.require(id, Uuid.ZERO_UUID, Optional.empty()).activeProducers());
        } catch (RuntimeException e) {
            return answer.setErrorCode(KafkaErrors.recordCodeOf(e).code());
        }
    }
}
