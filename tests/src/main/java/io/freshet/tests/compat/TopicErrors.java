// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.compat;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.CreatePartitionsRequestData;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;
import org.apache.kafka.common.message.DeleteTopicsRequestData;
import org.apache.kafka.common.message.DescribeConfigsRequestData;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.jspecify.annotations.Nullable;

/** Requests about topics and their configurations that must fail in a certain way. */
final class TopicErrors {
    private static final Uuid UNKNOWN_ID = new Uuid(12, 34);

    private final ErrorCells cells;

    TopicErrors(ErrorCells cells) {
        this.cells = cells;
    }

    private void create(String name, String topic, int partitions, int factor, String key, @Nullable String value)
            throws IOException {
        CreatableTopic wanted =
                new CreatableTopic().setName(topic).setNumPartitions(partitions).setReplicationFactor((short) factor);
        if (!key.isEmpty()) {
            wanted.configs().add(new CreatableTopicConfig().setName(key).setValue(value));
        }
        CreateTopicsRequestData data =
                new CreateTopicsRequestData().setTimeoutMs(5000).setValidateOnly(true);
        data.topics().add(wanted);
        cells.cell("create topic " + name, ApiKeys.CREATE_TOPICS, 7, data);
    }

    /** All of them. */
    void run() throws IOException {
        create("existing", "t", 1, 1, "", "");
        create("empty name", "", 1, 1, "", "");
        create("dot", ".", 1, 1, "", "");
        create("dots", "..", 1, 1, "", "");
        create("slash", "a/b", 1, 1, "", "");
        create("unicode", "ü", 1, 1, "", "");
        create("250 letters", "x".repeat(250), 1, 1, "", "");
        create("249 letters", "x".repeat(249), 1, 1, "", "");
        create("zero partitions", "z", 0, 1, "", "");
        create("-2 partitions", "z", -2, 1, "", "");
        create("too many partitions", "z", 2_000_000, 1, "", "");
        create("factor 0", "z", 1, 0, "", "");
        create("factor -2", "z", 1, -2, "", "");
        create("default factor", "z", 1, -1, "", "");
        create("unknown config", "z", 1, 1, "nope", "1");
        create("bad config", "z", 1, 1, "retention.ms", "x");
        create("null config", "z", 1, 1, "retention.ms", null);
        for (int count : new int[] {0, 1, 2, -1, 3, 3_000_000}) {
            CreatePartitionsRequestData data =
                    new CreatePartitionsRequestData().setTimeoutMs(5000).setValidateOnly(true);
            data.topics()
                    .add(new CreatePartitionsTopic()
                            .setName("t")
                            .setCount(count)
                            .setAssignments(null));
            cells.cell("create partitions " + count, ApiKeys.CREATE_PARTITIONS, 3, data);
        }
        CreatePartitionsRequestData unknown = new CreatePartitionsRequestData().setTimeoutMs(5000);
        unknown.topics()
                .add(new CreatePartitionsTopic().setName("nope").setCount(3).setAssignments(null));
        cells.cell("create partitions of unknown", ApiKeys.CREATE_PARTITIONS, 3, unknown);
        cells.cell(
                "delete unknown topic",
                ApiKeys.DELETE_TOPICS,
                6,
                new DeleteTopicsRequestData()
                        .setTimeoutMs(5000)
                        .setTopics(List.of(new DeleteTopicsRequestData.DeleteTopicState().setName("nope"))));
        cells.cell(
                "delete unknown id",
                ApiKeys.DELETE_TOPICS,
                6,
                new DeleteTopicsRequestData()
                        .setTimeoutMs(5000)
                        .setTopics(List.of(new DeleteTopicsRequestData.DeleteTopicState()
                                .setName(null)
                                .setTopicId(UNKNOWN_ID))));
        cells.cell(
                "delete id and name",
                ApiKeys.DELETE_TOPICS,
                6,
                new DeleteTopicsRequestData()
                        .setTimeoutMs(5000)
                        .setTopics(List.of(new DeleteTopicsRequestData.DeleteTopicState()
                                .setName("t")
                                .setTopicId(UNKNOWN_ID))));
        for (Map.Entry<Integer, String> resource : List.of(
                Map.entry(2, "nope"),
                Map.entry(2, "a/b"),
                Map.entry(2, ""),
                Map.entry(4, "99"),
                Map.entry(4, "x"),
                Map.entry(32, "g"),
                Map.entry(77, "q"))) {
            cells.cell(
                    "describe configs " + resource,
                    ApiKeys.DESCRIBE_CONFIGS,
                    4,
                    new DescribeConfigsRequestData()
                            .setResources(List.of(new DescribeConfigsRequestData.DescribeConfigsResource()
                                    .setResourceType(resource.getKey().byteValue())
                                    .setResourceName(resource.getValue())
                                    .setConfigurationKeys(List.of("none")))));
        }
        for (String name : List.of("nope", "a/b", "")) {
            cells.cell(
                    "metadata of '" + name + "'",
                    ApiKeys.METADATA,
                    12,
                    new MetadataRequestData()
                            .setAllowAutoTopicCreation(false)
                            .setTopics(List.of(new MetadataRequestData.MetadataRequestTopic().setName(name))));
        }
        cells.cell(
                "metadata of unknown id",
                ApiKeys.METADATA,
                12,
                new MetadataRequestData()
                        .setAllowAutoTopicCreation(false)
                        .setTopics(List.of(new MetadataRequestData.MetadataRequestTopic()
                                .setName(null)
                                .setTopicId(UNKNOWN_ID))));
    }
}
