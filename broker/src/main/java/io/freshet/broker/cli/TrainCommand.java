// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.server.BrokerServer;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.MetadataFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/**
 * {@code freshet train}: starts a small server on free ports in a temporary directory and stops it. The start script runs
 * it once per JDK to record which classes a start loads.
 */
@Command(name = "train", hidden = true, description = "Starts and stops a server, for the JVM's class archive.")
final class TrainCommand implements Callable<Integer> {
    private static final int WAL_BYTES = 16 << 20;

    TrainCommand() {}

    @Override
    public Integer call() throws IOException {
        Path directory = Files.createTempDirectory("freshet-train");
        try {
            ServerConfig config = config(directory);
            Formatting.format(config, MetadataFormat.newClusterId(Randomness.secure()));
            BrokerServer.start(config).close();
            return 0;
        } finally {
            delete(directory);
        }
    }

    private static ServerConfig config(Path directory) {
        Map<String, String> values = new LinkedHashMap<>(UpCommand.settings(directory, 0, 0));
        values.put(FreshetKeys.WAL_CAPACITY_BYTES, Integer.toString(WAL_BYTES));
        values.put("offsets.topic.num.partitions", "1");
        return ServerConfig.of(values);
    }

    private static void delete(Path directory) throws IOException {
        List<Path> all;
        try (Stream<Path> found = Files.walk(directory)) {
            all = found.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            Files.deleteIfExists(path);
        }
    }
}
