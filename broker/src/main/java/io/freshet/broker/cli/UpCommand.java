// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.cli.fleet.Fleet;
import io.freshet.broker.cli.fleet.FleetNode;
import io.freshet.broker.cli.fleet.FleetRun;
import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.config.WalKeys;
import io.freshet.broker.config.WalSettings;
import io.freshet.broker.server.BrokerServer;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.mirror.MirrorMode;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
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
            names = "--wal",
            paramLabel = "LANES",
            description =
                    "Write-ahead log lanes: both (block for topics that name none), block, or s3: no local disk is "
                            + "needed, an empty data directory is restored from the bucket.")
    @Nullable
    WalChoice wal;

    /** What {@code --wal} may be. */
    enum WalChoice {
        /** A local file, and nothing else. */
        block(Map.of(WalKeys.WAL_LANES, WalKeys.BLOCK, WalKeys.WAL_LANE, WalKeys.BLOCK)),
        /** The object store, which mirrors the metadata too. */
        s3(Map.of(WalKeys.WAL_LANES, WalKeys.S3, WalKeys.WAL_LANE, WalKeys.S3, FreshetKeys.METADATA_MIRROR, "sync")),
        /** Both; topics choose. */
        both(Map.of(WalKeys.WAL_LANES, WalKeys.BLOCK + "," + WalKeys.S3, WalKeys.WAL_LANE, WalKeys.BLOCK));

        private final Map<String, String> settings;

        WalChoice(Map<String, String> settings) {
            this.settings = settings;
        }
    }

    @Option(
            names = "--brokers",
            paramLabel = "N",
            description =
                    "Runs N brokers as processes of their own, with s3 lanes on one store; the first three vote. Ports are "
                            + "chosen unless --port gives the first; see `freshet broker`.")
    @Nullable
    Integer brokers;

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
        if (brokers != null) {
            return new FleetRun(fleet(brokers), out).untilStopped();
        }
        ServerConfig config = config();
        BrokerServer server = BrokerServer.startOrFormat(config);
        if (!server.origin().isEmpty()) {
            out.println(server.origin());
        }
        printWelcome(out, config, server);
        return ServerRun.untilStopped(server, () -> BrokerServer.start(config));
    }

    /** The fleet of the data directory, made and formatted if it is new. */
    private Fleet fleet(int size) {
        if (Fleet.isIn(data)) {
            Fleet found = Fleet.read(data);
            if (found.nodes().size() != size) {
                throw new FreshetException(
                        ErrorKind.INVALID,
                        data + " holds a fleet of " + found.nodes().size() + " brokers: give --brokers "
                                + found.nodes().size() + ", or another --data");
            }
            return found;
        }
        boolean isPortGiven = spec.commandLine().getParseResult().hasMatchedOption("--port");
        Fleet made = Fleet.create(data, size, isPortGiven ? port : 0, given());
        for (FleetNode node : made.nodes()) {
            KafkaStorage.run(made.formatArguments(node));
        }
        return made;
    }

    private ServerConfig config() {
        Map<String, String> values = new LinkedHashMap<>(settings(data, port, httpPort));
        values.putAll(given());
        return ServerConfig.forThisProcess(values);
    }

    /** What the options say beyond the defaults. */
    private Map<String, String> given() {
        Map<String, String> values = new LinkedHashMap<>();
        if (bucket != null) {
            values.put(FreshetKeys.STORAGE_URI, bucket);
        }
        if (wal != null) {
            values.putAll(wal.settings);
        }
        values.putAll(overrides);
        return values;
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

    private static String describeWal(ServerConfig config) {
        WalSettings lanes = config.wal();
        List<String> described = new ArrayList<>();
        if (lanes.runs(WalKeys.BLOCK)) {
            described.add("block: " + config.walPath());
        }
        if (lanes.runs(WalKeys.S3)) {
            described.add("s3: in the object store");
        }
        String defaultLane = lanes.lanes().size() > 1 ? " (topics use " + lanes.defaultLane() + " by default)" : "";
        return String.join(", ", described) + defaultLane;
    }

    /** A node whose data lives in the bucket alone is told where that is, if it is not where one would think. */
    private static void printDurability(PrintWriter out, ServerConfig config) {
        boolean isInStore = !config.wal().runs(WalKeys.BLOCK) && config.metadataMirror() == MirrorMode.SYNC;
        if (isInStore && config.isStoreInDataDirectory()) {
            out.println("  NOTE            the object store lies in the data directory " + config.dataDirectory()
                    + ": deleting that loses everything. Give --bucket to keep nothing on this disk.");
        } else if (isInStore) {
            out.println("  NOTE            everything is in the object store: " + config.dataDirectory()
                    + " may be deleted while the server is stopped, the next start restores it.");
        }
    }

    private static void printWelcome(PrintWriter out, ServerConfig config, BrokerServer server) {
        String bootstrap = server.bootstrap();
        out.println("Freshet is up (started in " + server.startMs() + " ms). Press Ctrl-C to stop.");
        out.println("  Kafka clients   " + bootstrap);
        server.httpAddress()
                .ifPresent(address ->
                        out.println("  health, metrics http://" + address + "/readyz  http://" + address + "/metrics"));
        out.println("  objects         " + server.storeDescription());
        out.println("  write-ahead log " + describeWal(config));
        out.println("  metadata        " + config.metadataDirectory() + " (cluster " + server.clusterId() + ", node "
                + config.nodeId() + ", quorum of one)");
        printDurability(out, config);
        out.println();
        out.println("Try, in another terminal:");
        out.println("  bin/kafka-topics.sh --bootstrap-server " + bootstrap + " --create --topic hello --partitions 3");
        out.println("  bin/kafka-console-producer.sh --bootstrap-server " + bootstrap + " --topic hello");
        out.println(
                "  bin/kafka-console-consumer.sh --bootstrap-server " + bootstrap + " --topic hello --from-beginning");
        out.flush();
    }
}
