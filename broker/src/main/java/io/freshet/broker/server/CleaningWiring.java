// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.cleaning.CleaningConfig;
import io.freshet.broker.cleaning.LogCleaning;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.partition.Partitions;
import io.freshet.common.runtime.Threads;
import io.freshet.metadata.MetadataNode;
import io.freshet.objectstore.ObjectStore;
import io.freshet.storage.StreamStorage;
import io.freshet.storage.compact.CompactionParts;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;
import org.apache.kafka.storage.internals.log.CleanerConfig;
import org.apache.kafka.storage.internals.log.LogConfig;

/** Starts key compaction of the partitions that this broker leads, unless {@code log.cleaner.enable} is false. */
record CleaningWiring(ServerConfig config, Runtime runtime) {
    private static final int QUEUE = 64;

    void start(
            ObjectStore store,
            MetadataNode metadata,
            StreamStorage streams,
            long brokerEpoch,
            Partitions partitions,
            Function<String, LogConfig> topicConfigs,
            OpenedParts opened) {
        CleanerConfig cleaner = new CleanerConfig(config.kafka());
        if (!cleaner.enableCleaner) {
            return;
        }
        ExecutorService thread = Threads.pool("freshet-cleaning", 1, QUEUE);
        opened.add("key compaction thread", () -> Threads.stop(thread, Duration.ofSeconds(10)));
        CompactionParts parts = CompactionWiring.parts(
                config, runtime, thread, new CompactionWiring.Around(store, metadata, streams, brokerEpoch));
        LogCleaning cleaning = opened.add(
                "key compaction", new LogCleaning(CleaningConfig.of(cleaner), parts, partitions::open, topicConfigs));
        cleaning.start();
    }
}
