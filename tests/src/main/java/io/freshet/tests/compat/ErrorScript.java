// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.compat;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.TopicConfig;

/** The cells: requests that must fail in a certain way. Run with a bootstrap address; prints one line for each cell. */
public final class ErrorScript {
    private ErrorScript() {}

    /** Argument: host:port. */
    public static void main(String[] arguments) throws Exception {
        ErrorCells cells = new ErrorCells(arguments[0]);
        Uuid topicId = prepare(arguments[0]);
        new ProduceErrors(cells).run();
        new FetchErrors(cells, topicId).run();
        new OffsetErrors(cells).run();
        new TopicErrors(cells).run();
        new GroupErrors(cells).run();
        cells.lines().forEach(System.out::println);
    }

    /** Makes topics and a group; returns the id of topic t. */
    private static Uuid prepare(String bootstrap) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            var created = admin.createTopics(List.of(
                    new NewTopic("t", 2, (short) 1),
                    new NewTopic("compacted", 1, (short) 1)
                            .configs(Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, "compact")),
                    new NewTopic("bounded", 1, (short) 1)
                            .configs(Map.of("message.timestamp.before.max.ms", "1000", "max.message.bytes", "500"))));
            created.all().get();
            Uuid topicId = created.topicId("t").get();
            admin.alterConsumerGroupOffsets(
                            "g",
                            Map.of(
                                    new TopicPartition("t", 0),
                                    new org.apache.kafka.clients.consumer.OffsetAndMetadata(0)))
                    .all()
                    .get();
            for (String topic : List.of("t", "compacted", "bounded", "__consumer_offsets")) {
                admin.listOffsets(Map.of(new TopicPartition(topic, 0), OffsetSpec.latest()))
                        .all()
                        .get();
            }
            return topicId;
        }
    }
}
