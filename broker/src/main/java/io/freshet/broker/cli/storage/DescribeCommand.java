// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.broker.inspect.StoragePages;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code freshet storage describe TOPIC}: where a topic's bytes are. */
@Command(
        name = "describe",
        description = "Shows where a topic's bytes are: streams, segments, objects, and what only the WAL holds.",
        mixinStandardHelpOptions = true)
final class DescribeCommand implements Callable<Integer> {
    @Mixin
    Printing print;

    @Parameters(index = "0", paramLabel = "TOPIC", description = "The topic.")
    String topic;

    @Option(
            names = "--http",
            paramLabel = "HOST:PORT",
            defaultValue = "localhost:8080",
            description = "HTTP listener of a running node (default: ${DEFAULT-VALUE}).")
    String http;

    @Option(names = "--partition", paramLabel = "N", defaultValue = "-1", description = "This partition only.")
    int partition;

    @SuppressWarnings("NullAway.Init")
    DescribeCommand() {}

    /** The JSON document. */
    record Described(String topic, String topicId, List<DescribedPartition> partitions) {}

    /** A partition and its manifest. */
    record DescribedPartition(StoragePages.Partition state, List<StreamSegment> segments) {}

    @Override
    public Integer call() {
        NodeClient node = new NodeClient(http);
        StoragePages.Topic found = node.topic(topic);
        print.text(
                "Topic %s, id %s, %d partitions",
                found.name(), found.topicId(), found.partitions().size());
        List<DescribedPartition> described = new ArrayList<>();
        for (StoragePages.Partition state : found.partitions()) {
            if (partition < 0 || partition == state.partition()) {
                List<StreamSegment> segments = new ArrayList<>();
                node.forEachSegment(state.streamId(), state.startOffset(), segment -> segments.add(segment));
                printPartition(state, segments);
                if (print.isJson()) {
                    described.add(new DescribedPartition(state, segments));
                }
            }
        }
        print.json(new Described(found.name(), found.topicId(), described));
        return 0;
    }

    private void printPartition(StoragePages.Partition state, List<StreamSegment> segments) {
        print.text(
                "Partition %d: stream %d, leader epoch %d, owner %d",
                state.partition(), state.streamId(), state.leaderEpoch(), state.owner());
        print.text(
                "  offsets: start %d, committed %d, durable %s, end %s; in the WAL only: %s",
                state.startOffset(),
                state.committedEndOffset(),
                orUnknown(state.durableEndOffset(), ""),
                orUnknown(state.endOffset(), ""),
                orUnknown(state.walBytes(), " bytes"));
        for (StreamSegment segment : segments) {
            print.text(
                    "  [%d, %d) %d bytes in object %d (%s), timestamps %d to %d",
                    segment.startOffset(),
                    segment.endOffset(),
                    segment.sizeBytes(),
                    segment.objectId(),
                    ObjectKeys.dataKey(segment.objectId()),
                    segment.minTimestampMs(),
                    segment.maxTimestampMs());
        }
    }

    private static String orUnknown(long value, String unit) {
        return value < 0 ? "known to the owner only" : value + unit;
    }
}
