// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.handover.HandOverParts;
import io.freshet.broker.handover.HandOvers;
import io.freshet.broker.partition.MovingPartitions;
import io.freshet.broker.partition.Ownership;
import io.freshet.broker.partition.Partitions;
import io.freshet.common.runtime.Threads;
import io.freshet.metadata.MetadataNode;
import io.freshet.storage.StreamStorage;
import java.time.Duration;
import java.util.concurrent.ExecutorService;

/** Lets the partitions go that are to be led elsewhere. */
final class HandOverWiring {
    private static final int QUEUE = 10_000;

    private final ServerConfig config;
    private final Runtime runtime;

    HandOverWiring(ServerConfig config, Runtime runtime) {
        this.config = config;
        this.runtime = runtime;
    }

    void start(
            MetadataNode metadata,
            Partitions partitions,
            StreamStorage streams,
            long brokerEpoch,
            MovingPartitions moving,
            OpenedParts opened) {
        ExecutorService thread = Threads.pool("freshet-handover", 1, QUEUE);
        opened.add("hand-over thread", () -> Threads.stop(thread, Duration.ofSeconds(5)));
        int brokerId = config.nodeId();
        HandOvers handOvers = opened.add(
                "hand-overs",
                new HandOvers(new HandOverParts(
                        new Ownership(brokerId, brokerEpoch),
                        metadata.manifests()::wishes,
                        metadata.manifests()::wishesVersion,
                        metadata::image,
                        partitions::log,
                        streams::uploadNow,
                        handOver -> metadata.controller().handOver(brokerId, brokerEpoch, handOver),
                        moving,
                        runtime.clock(),
                        runtime.scheduler(),
                        thread,
                        runtime.meters())));
        metadata.addListener(handOvers);
    }
}
