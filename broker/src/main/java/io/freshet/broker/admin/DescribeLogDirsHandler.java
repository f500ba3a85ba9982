// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionLogs;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.message.DescribeLogDirsResponseData;
import org.apache.kafka.common.message.DescribeLogDirsResponseData.DescribeLogDirsPartition;
import org.apache.kafka.common.message.DescribeLogDirsResponseData.DescribeLogDirsResult;
import org.apache.kafka.common.message.DescribeLogDirsResponseData.DescribeLogDirsTopic;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.DescribeLogDirsRequest;
import org.apache.kafka.common.requests.DescribeLogDirsResponse;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.image.TopicsImage;

/**
 * Tells the size of the partitions that this broker leads. There is one "log directory", the object store; its total and
 * usable size are unknown, since an object store has no such limit to tell.
 */
final class DescribeLogDirsHandler implements RequestHandler {
    private final String storeName;
    private final java.util.function.Supplier<TopicsImage> topics;
    private final PartitionLogs partitions;
    private final ToLongFunction<PartitionLog> sizeBytes;

    DescribeLogDirsHandler(
            String storeName,
            java.util.function.Supplier<TopicsImage> topics,
            PartitionLogs partitions,
            ToLongFunction<PartitionLog> sizeBytes) {
        this.storeName = storeName;
        this.topics = topics;
        this.partitions = partitions;
        this.sizeBytes = sizeBytes;
    }

    @Override
    public void handle(KafkaRequest request) {
        DescribeLogDirsRequest body = (DescribeLogDirsRequest) request.body();
        Map<String, List<DescribeLogDirsPartition>> found = new TreeMap<>();
        for (TopicPartition partition : wanted(body)) {
            partitions
                    .log(partition)
                    .ifPresent(log -> found.computeIfAbsent(partition.topic(), topic -> new ArrayList<>())
                            .add(new DescribeLogDirsPartition()
                                    .setPartitionIndex(partition.partition())
                                    .setPartitionSize(sizeBytes.applyAsLong(log))
                                    .setOffsetLag(0)
                                    .setIsFutureKey(false)));
        }
        List<DescribeLogDirsTopic> described = new ArrayList<>();
        found.forEach((topic, sizes) ->
                described.add(new DescribeLogDirsTopic().setName(topic).setPartitions(sizes)));
        request.respond(new DescribeLogDirsResponse(new DescribeLogDirsResponseData()
                .setErrorCode(Errors.NONE.code())
                .setResults(List.of(new DescribeLogDirsResult()
                        .setLogDir(storeName)
                        .setErrorCode(Errors.NONE.code())
                        .setTopics(described)))));
    }

    private List<TopicPartition> wanted(DescribeLogDirsRequest body) {
        List<TopicPartition> wanted = new ArrayList<>();
        if (body.isAllTopicPartitions()) {
            for (TopicImage topic : topics.get().topicsByName().values()) {
                topic.partitions()
                        .keySet()
                        .forEach(partition -> wanted.add(new TopicPartition(topic.name(), partition)));
            }
        } else {
            body.data()
                    .topics()
                    .forEach(topic -> topic.partitions()
                            .forEach(partition -> wanted.add(new TopicPartition(topic.topic(), partition))));
        }
        return wanted;
    }
}
