// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.broker.cli.fleet.Fleet;
import io.freshet.broker.cli.fleet.FleetNode;
import io.freshet.broker.cli.fleet.NodeProcess;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;

/** Server processes of a packaged distribution that this process has started. Used by one thread. */
public final class Cluster implements AutoCloseable {
    private static final Duration START_TIMEOUT = Duration.ofSeconds(180);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(90);
    private static final int CONTROLLERS = 3;
    private static final String HEAP = "-Xms128m -Xmx640m -XX:MaxDirectMemorySize=1g";

    private final List<NodeProcess> nodes;
    private final Set<Integer> controllers;
    private final Set<Integer> wanted = new HashSet<>();

    private Cluster(List<NodeProcess> nodes, Set<Integer> controllers) {
        this.nodes = nodes;
        this.controllers = controllers;
    }

    /**
     * Makes, formats and starts the nodes, and waits until they serve.
     *
     * @param distribution the unpacked one
     * @param folder empty
     * @param settings over those of a fleet
     * @param environment of the processes
     */
    public static Cluster start(
            Path distribution, Path folder, int brokers, Map<String, String> settings, Map<String, String> environment)
            throws IOException, InterruptedException {
        return start(distribution, Fleet.create(folder, brokers, 0, settings), Set.of(), environment);
    }

    /** The same with three more nodes, numbers 1 to 3, that vote and serve no clients; none of the brokers votes. */
    public static Cluster startWithControllers(
            Path distribution, Path folder, int brokers, Map<String, String> settings, Map<String, String> environment)
            throws IOException, InterruptedException {
        Fleet fleet = Fleet.create(folder, CONTROLLERS + brokers, 0, settings);
        Set<Integer> controllers = new HashSet<>();
        for (FleetNode node : fleet.nodes().subList(0, CONTROLLERS)) {
            makeController(node);
            controllers.add(node.id());
        }
        return start(distribution, fleet, controllers, environment);
    }

    private static void makeController(FleetNode node) throws IOException {
        Properties values = new Properties();
        try (Reader reader = Files.newBufferedReader(node.propertiesFile())) {
            values.load(reader);
        }
        values.setProperty("process.roles", "controller");
        values.setProperty("listeners", "CONTROLLER://localhost:" + node.controllerPort());
        try (Writer writer = Files.newBufferedWriter(node.propertiesFile())) {
            values.store(writer, null);
        }
    }

    private static Cluster start(
            Path distribution, Fleet fleet, Set<Integer> controllers, Map<String, String> environment)
            throws IOException, InterruptedException {
        Map<String, String> all = new HashMap<>();
        all.put("JAVA_HOME", System.getProperty("java.home"));
        all.put("KAFKA_HEAP_OPTS", HEAP);
        all.put("LOG_DIR", fleet.folder().toString());
        all.putAll(environment);
        List<NodeProcess> nodes = new ArrayList<>();
        for (FleetNode node : fleet.nodes()) {
            format(distribution, fleet, node, all);
            nodes.add(new NodeProcess(
                    node, List.of(distribution.resolve("bin/freshet").toString()), all));
        }
        Cluster cluster = new Cluster(nodes, controllers);
        cluster.ids().forEach(cluster::start);
        cluster.awaitReady();
        return cluster;
    }

    private static void format(Path distribution, Fleet fleet, FleetNode node, Map<String, String> environment)
            throws IOException, InterruptedException {
        Path log = node.folder().resolve("format.log");
        List<String> command = new ArrayList<>();
        command.add(distribution.resolve("bin/kafka-storage.sh").toString());
        command.addAll(fleet.formatArguments(node));
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().putAll(environment);
        int code = builder.start().waitFor();
        if (code != 0) {
            throw new IOException("Node " + node.id() + " could not be formatted:\n" + Files.readString(log));
        }
    }

    public String bootstrap() {
        return nodes.stream()
                .map(NodeProcess::node)
                .filter(node -> !controllers.contains(node.id()))
                .map(FleetNode::bootstrap)
                .collect(Collectors.joining(","));
    }

    /** The nodes' ids, 1 to their number. */
    public List<Integer> ids() {
        return nodes.stream().map(node -> node.node().id()).toList();
    }

    /** The ids of the nodes that serve clients. */
    public List<Integer> brokerIds() {
        return ids().stream().filter(id -> !controllers.contains(id)).toList();
    }

    /** {@code host:port} of a node's pages. */
    public String http(int id) {
        return "localhost:" + node(id).node().httpPort();
    }

    /** Where a node keeps its metadata. */
    public Path dataDirectory(int id) {
        return node(id).node().dataDirectory();
    }

    private NodeProcess node(int id) {
        return nodes.get(id - 1);
    }

    /** Starts a node that does not run, without waiting until it serves. */
    public void start(int id) {
        node(id).start();
        wanted.add(id);
    }

    /** kill -9, and waits for the end. */
    public void kill(int id) {
        wanted.remove(id);
        node(id).kill();
    }

    /** SIGTERM, and waits for the clean end. */
    public void stop(int id) {
        wanted.remove(id);
        node(id).stop(STOP_TIMEOUT);
    }

    /** SIGSTOP: the node stands where it is, its connections stay open. */
    public void pause(int id) throws IOException, InterruptedException {
        signal(id, "STOP");
    }

    /** SIGCONT. */
    public void resume(int id) throws IOException, InterruptedException {
        signal(id, "CONT");
    }

    private void signal(int id, String name) throws IOException, InterruptedException {
        long pid = node(id).find().orElseThrow().pid();
        new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start().waitFor();
    }

    /** What a node has printed in all its starts. */
    public String log(int id) throws IOException {
        return Files.readString(node(id).node().logFile());
    }

    /** The node that leads the quorum, as far as others know; empty while there is none. */
    public OptionalInt controller() throws InterruptedException {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap()))) {
            int leader = admin.describeMetadataQuorum()
                    .quorumInfo()
                    .get(5, TimeUnit.SECONDS)
                    .leaderId();
            return leader < 0 ? OptionalInt.empty() : OptionalInt.of(leader);
        } catch (ExecutionException | TimeoutException e) {
            return OptionalInt.empty();
        }
    }

    /** Waits until all nodes that should run say that they are ready. */
    public void awaitReady() throws IOException {
        long deadlineNanos = System.nanoTime() + START_TIMEOUT.toNanos();
        for (NodeProcess node : nodes) {
            while (wanted.contains(node.node().id()) && !node.isReady()) {
                if (node.find().isEmpty() || System.nanoTime() > deadlineNanos) {
                    throw new IOException("Node " + node.node().id()
                            + (node.find().isEmpty() ? " has ended" : " is not ready")
                            + "; its log says:\n"
                            + log(node.node().id()));
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
            }
        }
    }

    /** Nodes that should run and do not: they ended by themselves. */
    List<Integer> fallen() {
        return nodes.stream()
                .filter(node -> wanted.contains(node.node().id()))
                .filter(node -> node.find().isEmpty())
                .map(node -> node.node().id())
                .toList();
    }

    /** Lines of all logs at level ERROR or FATAL. */
    public List<String> errorLines() throws IOException {
        List<String> lines = new ArrayList<>();
        for (NodeProcess node : nodes) {
            if (Files.exists(node.node().logFile())) {
                try (var all = Files.lines(node.node().logFile())) {
                    all.filter(line -> line.contains(" ERROR ") || line.contains(" FATAL "))
                            .map(line -> "node " + node.node().id() + ": " + line)
                            .forEach(lines::add);
                }
            }
        }
        return lines;
    }

    @Override
    public void close() {
        for (NodeProcess node : nodes) {
            node.find().ifPresent(process -> {
                process.destroyForcibly();
                process.onExit().join();
            });
        }
    }
}
