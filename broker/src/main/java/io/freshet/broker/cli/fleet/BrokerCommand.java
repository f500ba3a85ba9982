// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.fleet;

import io.freshet.broker.cli.cluster.ClusterBrokers;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code freshet broker}: the nodes that {@code freshet up --brokers N} runs, one by one. */
@Command(
        name = "broker",
        description =
                "Lists the brokers of a cluster, empties them and moves partitions between them; kills, stops and "
                        + "starts those of `freshet up --brokers N`.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class BrokerCommand {
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(60);
    private static final Duration MOVE_TIMEOUT = Duration.ofSeconds(60);

    @Spec
    CommandSpec spec;

    @SuppressWarnings("NullAway.Init")
    public BrokerCommand() {}

    /** Which fleet. */
    static final class Folder {
        @Option(
                names = "--data",
                paramLabel = "DIR",
                defaultValue = "data",
                description = "The folder given to freshet up (default: ${DEFAULT-VALUE}).")
        Path data;

        @SuppressWarnings("NullAway.Init")
        Folder() {}

        Fleet fleet() {
            return Fleet.read(data);
        }
    }

    @Command(name = "kill", description = "kill -9: the node gets no word of warning.", mixinStandardHelpOptions = true)
    int kill(@Parameters(paramLabel = "N") int id, @Mixin Folder folder) {
        FleetRun.process(folder.fleet().node(id)).kill();
        return say("Node " + id + " is killed");
    }

    @Command(name = "stop", description = "SIGTERM: the node ends cleanly.", mixinStandardHelpOptions = true)
    int stop(@Parameters(paramLabel = "N") int id, @Mixin Folder folder) {
        FleetRun.process(folder.fleet().node(id)).stop(STOP_TIMEOUT);
        return say("Node " + id + " has stopped");
    }

    @Command(name = "start", description = "Starts a node that does not run.", mixinStandardHelpOptions = true)
    int start(@Parameters(paramLabel = "N") int id, @Mixin Folder folder) {
        NodeProcess process = FleetRun.process(folder.fleet().node(id));
        process.start();
        return say(FleetRun.describe(process));
    }

    /** Which cluster. */
    static final class Cluster {
        @Option(
                names = "--bootstrap-server",
                paramLabel = "HOST:PORT",
                description = "Any broker of the cluster (default: those of the fleet in --data).")
        @Nullable
        String bootstrap;

        @Option(names = "--command-config", paramLabel = "FILE", description = "Properties of the admin client.")
        @Nullable
        Path clientConfig;

        @Mixin
        Folder folder;

        @SuppressWarnings("NullAway.Init")
        Cluster() {}

        ClusterBrokers brokers() {
            Map<String, Object> settings = new HashMap<>();
            Path file = clientConfig;
            if (file != null) {
                Properties given = new Properties();
                try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
                    given.load(reader);
                } catch (IOException e) {
                    throw new FreshetException(ErrorKind.INVALID, "Cannot read " + file + ": " + e.getMessage(), e);
                }
                given.stringPropertyNames().forEach(name -> settings.put(name, given.getProperty(name)));
            }
            String servers = bootstrap;
            settings.put("bootstrap.servers", servers == null ? folder.fleet().bootstrap() : servers);
            return new ClusterBrokers(settings);
        }
    }

    @Command(
            name = "list",
            description = "Lists the brokers of a cluster, or the nodes of a fleet and their processes.",
            mixinStandardHelpOptions = true)
    int list(@Mixin Cluster cluster) {
        if (cluster.bootstrap == null) {
            for (FleetNode node : cluster.folder.fleet().nodes()) {
                say(FleetRun.describe(FleetRun.process(node)));
            }
            return 0;
        }
        try (ClusterBrokers brokers = cluster.brokers()) {
            say(String.format(
                    "%-6s %-28s %-12s %-9s %8s %8s %8s",
                    "BROKER", "ENDPOINT", "RACK", "STATE", "LEADERS", "TO COME", "TO LEAVE"));
            for (ClusterBrokers.Broker broker : brokers.list()) {
                say(String.format(
                        "%-6d %-28s %-12s %-9s %8d %8d %8d",
                        broker.id(),
                        broker.endpoint(),
                        broker.rack().orElse("-"),
                        broker.state(),
                        broker.leaders(),
                        broker.toCome(),
                        broker.toLeave()));
            }
        }
        return 0;
    }

    @Command(
            name = "drain",
            description = "Moves all that a broker leads to others, and keeps new partitions from it until --cancel.",
            mixinStandardHelpOptions = true)
    int drain(
            @Parameters(paramLabel = "N") int id,
            @Option(names = "--cancel", description = "The broker may lead again.") boolean isCancelled,
            @Mixin Cluster cluster) {
        try (ClusterBrokers brokers = cluster.brokers()) {
            brokers.drain(id, !isCancelled);
            if (isCancelled) {
                return say("Broker " + id + " may lead partitions again");
            }
            if (ClusterBrokers.await(MOVE_TIMEOUT, () -> brokers.leaders(id) == 0)) {
                return say("Broker " + id + " leads nothing; it gets no partitions until broker drain --cancel " + id);
            }
            say("Broker " + id + " still leads " + brokers.leaders(id) + " partitions after " + MOVE_TIMEOUT.toSeconds()
                    + " s; they go on moving when other brokers can take them");
            return 1;
        }
    }

    @Command(name = "move", description = "Moves one partition to a broker.", mixinStandardHelpOptions = true)
    int move(
            @Parameters(paramLabel = "TOPIC:PARTITION") String name,
            @Parameters(paramLabel = "N") int id,
            @Mixin Cluster cluster) {
        TopicPartition partition = partition(name);
        try (ClusterBrokers brokers = cluster.brokers()) {
            brokers.move(partition, id);
            if (ClusterBrokers.await(MOVE_TIMEOUT, () -> brokers.isLedBy(partition, id))) {
                return say("Broker " + id + " leads " + partition);
            }
            say("Broker " + id + " does not lead " + partition + " after " + MOVE_TIMEOUT.toSeconds()
                    + " s; see freshet broker list for its state");
            return 1;
        }
    }

    private static TopicPartition partition(String name) {
        int colon = name.lastIndexOf(':');
        try {
            return new TopicPartition(
                    name.substring(0, Math.max(0, colon)), Integer.parseInt(name.substring(colon + 1)));
        } catch (NumberFormatException e) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Name a partition as TOPIC:PARTITION, like orders:3, not " + name, e);
        }
    }

    private int say(String line) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(line);
        out.flush();
        return 0;
    }
}
