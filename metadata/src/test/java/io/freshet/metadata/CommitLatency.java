// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.SegmentReplacement.NewObject;
import io.freshet.common.stream.StreamSegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.Uuid;

/** Not a test: prints how long commands on a thousand streams take, one after the other. Argument: an empty directory. */
final class CommitLatency {
    private static final int STREAMS = 1000;
    private static final int ROUNDS = 600;

    private CommitLatency() {}

    public static void main(String[] args) throws Exception {
        Path directory = Files.createTempDirectory(Path.of(args[0]), "metadata-latency");
        TestNode.format(directory);
        try (TestNode node = TestNode.start(directory).register()) {
            Uuid topic = node.createTopic("wide", STREAMS).topicId();
            long[] streams = new long[STREAMS];
            for (int i = 0; i < STREAMS; i++) {
                streams[i] = node.stream(topic, i);
            }
            long[] commitNs = new long[ROUNDS];
            long[] replaceNs = new long[ROUNDS];
            long[] oneNs = new long[ROUNDS];
            for (int i = 0; i < ROUNDS; i++) {
                commitNs[i] = commit(node, streams, i);
                replaceNs[i] = replace(node, streams, i);
                long beganNs = System.nanoTime();
                node.reserveId();
                oneNs[i] = System.nanoTime() - beganNs;
            }
            print("commit of 1000 segments", commitNs);
            print("replacement of 1000 segments", replaceNs);
            print("reservation of an id", oneNs);
        }
        TestNode.delete(directory);
    }

    private static long commit(TestNode node, long[] streams, int round) {
        long object = node.reserveId();
        List<SegmentCommit> segments = new ArrayList<>();
        for (long stream : streams) {
            segments.add(new SegmentCommit(new StreamSegment(stream, round, round + 1, object, 10, 5, 6), 0));
        }
        long beganNs = System.nanoTime();
        if (!node.commit(object, segments.toArray(SegmentCommit[]::new)).isEmpty()) {
            throw new IllegalStateException("refused");
        }
        return System.nanoTime() - beganNs;
    }

    private static long replace(TestNode node, long[] streams, int round) {
        long object = node.reserveId();
        List<StreamSegment> removed = new ArrayList<>();
        List<StreamSegment> inserted = new ArrayList<>();
        for (long stream : streams) {
            StreamSegment old = node.node.manifests().segments(stream, round, 1).get(0);
            removed.add(old);
            inserted.add(new StreamSegment(stream, round, round + 1, object, 9, 5, 6));
        }
        SegmentReplacement command = new SegmentReplacement(
                TestNode.NODE_ID, node.brokerEpoch, List.of(new NewObject(object, 100)), removed, inserted);
        long beganNs = System.nanoTime();
        if (!TestNode.get(node.controller.replaceSegments(command)).isEmpty()) {
            throw new IllegalStateException("refused");
        }
        return System.nanoTime() - beganNs;
    }

    private static void print(String what, long[] tookNs) {
        long[] sorted = Arrays.copyOfRange(tookNs, tookNs.length / 3, tookNs.length);
        Arrays.sort(sorted);
        System.out.printf(
                "%-30s p50 %6.2f ms  p99 %6.2f ms%n",
                what, sorted[sorted.length / 2] / 1e6, sorted[sorted.length * 99 / 100] / 1e6);
    }
}
