// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.server.BrokerServer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code freshet up}: one broker and voter on this machine, formatted by itself. */
@Command(
        name = "up",
        description = "Starts one broker on this machine; formats its data directory at the first start.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class UpCommand implements Callable<Integer> {
    private static final int NODE_ID = 1;

    @Spec
    CommandSpec spec;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = "data",
            description = "Where the metadata log, the write-ahead log and, without --bucket, the objects live "
                    + "(default: ${DEFAULT-VALUE}).")
    Path data;

    @Option(
            names = "--port",
            paramLabel = "N",
            defaultValue = "9092",
            description = "Kafka port on localhost; 0 picks a free one (default: ${DEFAULT-VALUE}).")
    int port;

    @Option(
            names = "--http-port",
            paramLabel = "N",
            defaultValue = "8080",
            description = "Port of /livez, /readyz and /metrics; 0 picks a free one (default: ${DEFAULT-VALUE}).")
    int httpPort;

    @Option(
            names = "--bucket",
            paramLabel = "URI",
            description = "Object store instead of the local one: s3://name?endpoint=…&region=…&pathStyle=true.")
    @Nullable
    String bucket;

    @Option(
            names = "--override",
            paramLabel = "key=value",
            description = "Any configuration key of server.properties; may be repeated.")
    Map<String, String> overrides = new LinkedHashMap<>();

    @SuppressWarnings("NullAway.Init")
    UpCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        ServerConfig config = config();
        BrokerServer server = BrokerServer.startOrFormat(config);
        if (!server.origin().isEmpty()) {
            out.println(server.origin());
        }
        printWelcome(out, config, server);
        return ServerRun.untilStopped(server);
    }

    private ServerConfig config() {
        Map<String, String> values = new LinkedHashMap<>(settings(data, port, httpPort));
        if (bucket != null) {
            values.put(FreshetKeys.STORAGE_URI, bucket);
        }
        values.putAll(overrides);
        return ServerConfig.of(values);
    }

    /** The configuration of one broker and voter with everything in {@code data}. */
    static Map<String, String> settings(Path data, int port, int httpPort) {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("process.roles", "broker,controller");
        values.put("node.id", Integer.toString(NODE_ID));
        values.put("listeners", "PLAINTEXT://localhost:" + port + ",CONTROLLER://localhost:0");
        values.put("controller.listener.names", "CONTROLLER");
        values.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        values.put("controller.quorum.bootstrap.servers", "localhost:9093");
        values.put("log.dirs", data.toAbsolutePath().normalize().toString());
        values.put(FreshetKeys.HTTP_LISTENER, "localhost:" + httpPort);
        return values;
    }

    private static void printWelcome(PrintWriter out, ServerConfig config, BrokerServer server) {
        String bootstrap = server.bootstrap();
        out.println("Freshet is up (started in " + server.startMs() + " ms). Press Ctrl-C to stop.");
        out.println("  Kafka clients   " + bootstrap);
        server.httpAddress()
                .ifPresent(address ->
                        out.println("  health, metrics http://" + address + "/readyz  http://" + address + "/metrics"));
        out.println("  objects         " + server.storeDescription());
        out.println("  write-ahead log " + config.walPath());
        out.println("  metadata        " + config.metadataDirectory() + " (cluster " + server.clusterId() + ", node "
                + config.nodeId() + ", quorum of one)");
        out.println();
        out.println("Try, in another terminal:");
        out.println("  bin/kafka-topics.sh --bootstrap-server " + bootstrap + " --create --topic hello --partitions 3");
        out.println("  bin/kafka-console-producer.sh --bootstrap-server " + bootstrap + " --topic hello");
        out.println(
                "  bin/kafka-console-consumer.sh --bootstrap-server " + bootstrap + " --topic hello --from-beginning");
        out.flush();
    }
}
