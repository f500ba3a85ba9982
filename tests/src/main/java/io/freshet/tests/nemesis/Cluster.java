// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.broker.cli.fleet.Fleet;
import io.freshet.broker.cli.fleet.FleetNode;
import io.freshet.broker.cli.fleet.NodeProcess;
import io.freshet.common.FreshetException;
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
import java.util.Optional;
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
    private static final Duration START_TIMEOUT = Duration.ofSeconds(300);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(90);
    private static final int CONTROLLERS = 3;
    private static final int MOST_STARTS = 3;
    private static final String HEAP = "-Xms128m -Xmx640m -XX:MaxDirectMemorySize=1g";

    private final Plan plan;
    private final List<NodeProcess> nodes;
    private final Set<Integer> controllers;
    private final Set<Integer> wanted = new HashSet<>();
    private final Map<Integer, Integer> starts = new HashMap<>();
    private final List<String> remarks = new ArrayList<>();

    private Cluster(Plan plan, List<NodeProcess> nodes, Set<Integer> controllers) {
        this.plan = plan;
        this.nodes = nodes;
        this.controllers = controllers;
    }

    /**
     * What a cluster consists of.
     *
     * @param distribution the unpacked one
     * @param folder empty
     * @param settings over those of a fleet
     * @param environment of the processes
     * @param network empty: all are on this machine's loopback interface
     * @param clocks empty: all have the machine's clock
     */
    public record Plan(
            Path distribution,
            Path folder,
            int brokers,
            Map<String, String> settings,
            Map<String, String> environment,
            Optional<PrivateNetwork> network,
            Optional<FakeClocks> clocks) {
        /** On the loopback interface, with the machine's clock. */
        public Plan(
                Path distribution,
                Path folder,
                int brokers,
                Map<String, String> settings,
                Map<String, String> environment) {
            this(distribution, folder, brokers, settings, environment, Optional.empty(), Optional.empty());
        }

        /** The same, each node in its own place of {@code network}. */
        public Plan in(PrivateNetwork network) {
            return new Plan(distribution, folder, brokers, settings, environment, Optional.of(network), clocks);
        }

        /** The same, each node with a clock of its own. */
        public Plan with(FakeClocks clocks) {
            return new Plan(distribution, folder, brokers, settings, environment, network, Optional.of(clocks));
        }

        private Fleet fleet() {
            return Fleet.create(folder, brokers, 0, settings, this::hosts);
        }

        private FleetNode.Hosts hosts(int id) {
            return network.map(each -> each.hosts(id)).orElse(FleetNode.Hosts.LOCAL);
        }

        private List<String> launcher(int id) {
            List<String> command =
                    new ArrayList<>(network.map(each -> each.launcher(id)).orElse(List.of()));
            command.add(distribution.resolve("bin/freshet").toString());
            return command;
        }

        private Map<String, String> environmentOf(int id) throws IOException {
            Map<String, String> all = new HashMap<>();
            all.put("JAVA_HOME", System.getProperty("java.home"));
            all.put("KAFKA_HEAP_OPTS", HEAP);
            all.put("LOG_DIR", folder.toString());
            all.putAll(environment);
            if (clocks.isPresent()) {
                all.putAll(clocks.get().environment(id));
            }
            return all;
        }
    }

    /** The same as {@link #start(Plan)}, on the loopback interface, with the machine's clock. */
    public static Cluster start(
            Path distribution, Path folder, int brokers, Map<String, String> settings, Map<String, String> environment)
            throws IOException, InterruptedException {
        return start(new Plan(distribution, folder, brokers, settings, environment));
    }

    /** The same with three more nodes, numbers 1 to 3, that vote and serve no clients; none of the brokers votes. */
    public static Cluster startWithControllers(
            Path distribution, Path folder, int brokers, Map<String, String> settings, Map<String, String> environment)
            throws IOException, InterruptedException {
        Plan plan = new Plan(distribution, folder, CONTROLLERS + brokers, settings, environment);
        Fleet fleet = plan.fleet();
        Set<Integer> controllers = new HashSet<>();
        for (FleetNode node : fleet.nodes().subList(0, CONTROLLERS)) {
            makeController(node);
            controllers.add(node.id());
        }
        return start(plan, fleet, controllers);
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

    /** Makes, formats and starts the nodes, and waits until they serve. */
    public static Cluster start(Plan plan) throws IOException, InterruptedException {
        return start(plan, plan.fleet(), Set.of());
    }

    private static Cluster start(Plan plan, Fleet fleet, Set<Integer> controllers)
            throws IOException, InterruptedException {
        List<NodeProcess> nodes = new ArrayList<>();
        for (FleetNode node : fleet.nodes()) {
            Map<String, String> environment = plan.environmentOf(node.id());
            format(plan.distribution(), fleet, node, environment);
            nodes.add(new NodeProcess(node, plan.launcher(node.id()), environment));
        }
        Cluster cluster = new Cluster(plan, nodes, controllers);
        try {
            cluster.ids().forEach(cluster::start);
            cluster.awaitReady();
        } catch (IOException | RuntimeException e) {
            cluster.close();
            throw e;
        }
        return cluster;
    }

    /** Fails if it has none. */
    PrivateNetwork network() {
        return plan.network().orElseThrow(() -> new IllegalStateException("The nodes have no network of their own"));
    }

    /** The same. */
    FakeClocks clocks() {
        return plan.clocks().orElseThrow(() -> new IllegalStateException("The nodes have the machine's clock"));
    }

    /** Nodes that vote in the quorum. */
    public List<Integer> voters() {
        return nodes.stream()
                .map(NodeProcess::node)
                .filter(FleetNode::isVoter)
                .map(FleetNode::id)
                .toList();
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

    /** Where clients find one node. */
    public String bootstrap(int id) {
        return node(id).node().bootstrap();
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
        starts.put(id, 1);
    }

    /** kill -9, and waits for the end, which takes its time on a busy machine. */
    public void kill(int id) {
        end(id, node(id)::kill);
    }

    /** SIGTERM, and waits for the clean end; whoever takes too long is killed, and {@link #remarks} says so. */
    public void stop(int id) {
        end(id, () -> node(id).stop(STOP_TIMEOUT));
    }

    private void end(int id, Runnable signal) {
        wanted.remove(id);
        starts.remove(id);
        Optional<ProcessHandle> process = node(id).find();
        try {
            signal.run();
        } catch (FreshetException e) {
            ProcessHandle handle = process.orElseThrow(() -> e); // it has ended by itself
            remarks.add(String.valueOf(e.getMessage()));
            handle.destroyForcibly();
            handle.onExit().join();
        }
    }

    /** What went on that need not be wrong. */
    List<String> remarks() {
        return List.copyOf(remarks);
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

    /**
     * Waits until all nodes that should run say that they are ready. A node that gives up while it starts, because it does not reach
     * its store or the others in time, is started again, as whoever supervises servers does.
     */
    public void awaitReady() throws IOException {
        long deadlineNanos = System.nanoTime() + START_TIMEOUT.toNanos();
        for (NodeProcess node : nodes) {
            int id = node.node().id();
            while (wanted.contains(id) && !node.isReady()) {
                if (!fallen().isEmpty() || System.nanoTime() > deadlineNanos) {
                    throw new IOException("Node " + id + " is not ready, " + fallen()
                            + " have ended by themselves; its log says:\n" + log(id));
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
            }
            starts.remove(id);
        }
    }

    /** Nodes that should run and do not: they ended by themselves, and not while they started. */
    List<Integer> fallen() throws IOException {
        List<Integer> fallen = new ArrayList<>();
        for (NodeProcess node : nodes) {
            int id = node.node().id();
            if (wanted.contains(id) && node.find().isEmpty()) {
                String log = log(id).strip();
                if (starts.getOrDefault(id, MOST_STARTS) < MOST_STARTS) {
                    starts.merge(id, 1, Integer::sum);
                    remarks.add("node " + id + " ended while it started, and was started again: "
                            + log.substring(log.lastIndexOf('\n') + 1));
                    node.start();
                } else {
                    fallen.add(id);
                }
            }
        }
        return fallen;
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
