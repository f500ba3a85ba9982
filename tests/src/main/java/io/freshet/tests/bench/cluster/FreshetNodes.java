// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.cluster;

import io.freshet.broker.cli.fleet.Fleet;
import io.freshet.broker.cli.fleet.FleetNode;
import io.freshet.broker.cli.fleet.NodeProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Freshet as {@code freshet up --brokers 4} runs it, but that nodes are started one by one and partitions move only when asked. */
final class FreshetNodes implements Nodes {
    private final Fleet fleet;
    private final List<NodeProcess> processes = new ArrayList<>();

    FreshetNodes(Path distribution, Path folder, String heap) throws IOException, InterruptedException {
        this.fleet = Fleet.create(folder, COUNT, 0, Map.of("balance.enabled", "false"));
        Map<String, String> environment = Map.of(
                "JAVA_HOME", System.getProperty("java.home"), "KAFKA_HEAP_OPTS", heap, "LOG_DIR", folder.toString());
        for (FleetNode node : fleet.nodes()) {
            List<String> format = new ArrayList<>();
            format.add(distribution.resolve("bin/kafka-storage.sh").toString());
            format.addAll(fleet.formatArguments(node));
            Commands.run(format, environment, node.folder().resolve("format.log"));
            processes.add(new NodeProcess(
                    node, List.of(distribution.resolve("bin/freshet").toString()), environment));
        }
    }

    @Override
    public String kind() {
        return "freshet";
    }

    @Override
    public String bootstrap() {
        return fleet.nodes().stream().limit(VOTERS).map(FleetNode::bootstrap).collect(Collectors.joining(","));
    }

    @Override
    public void start(int id) {
        processes.get(id - 1).start();
    }

    @Override
    public void kill(int id) {
        processes.get(id - 1).kill();
    }

    @Override
    public Path folder(int id) {
        return fleet.node(id).folder();
    }

    @Override
    public void close() {
        for (NodeProcess process : processes) {
            process.find().ifPresent(found -> {
                found.destroyForcibly();
                found.onExit().join();
            });
        }
    }
}
