// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.fleet;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.broker.config.WalKeys;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.apache.kafka.common.Uuid;

/**
 * The nodes of one folder: {@code fleet.properties} names their ports, {@code node-N} holds what node N keeps, {@code objects}
 * is the store that all share unless a bucket is named. The first three nodes vote (the first alone when there are fewer).
 */
public final class Fleet {
    private static final int FIRST_PORT = 15_000;
    private static final int PORTS = 15_000;

    private static final String FILE = "fleet.properties";
    private static final int MOST_NODES = 32;
    private static final int VOTERS = 3;

    private final Path folder;
    private final String clusterId;
    private final List<FleetNode> nodes;

    private Fleet(Path folder, String clusterId, List<FleetNode> nodes) {
        this.folder = folder;
        this.clusterId = clusterId;
        this.nodes = List.copyOf(nodes);
    }

    /** Whether {@code folder} holds a fleet. */
    public static boolean isIn(Path folder) {
        return Files.exists(folder.resolve(FILE));
    }

    /**
     * Makes a fleet in {@code folder}: its ports are chosen and written down, nothing is started. The nodes' metadata directories
     * are for the caller to format.
     *
     * @param firstPort of the first node for clients, the others follow; 0: any free ones
     * @param settings of all nodes, over the ones of the fleet; {@code storage.uri} names a bucket
     */
    public static Fleet create(Path folder, int brokers, int firstPort, Map<String, String> settings) {
        return create(folder, brokers, firstPort, settings, id -> FleetNode.Hosts.LOCAL);
    }

    /** The same, with nodes in networks of their own: {@code hosts} says for each id where it is reached. */
    public static Fleet create(
            Path folder, int brokers, int firstPort, Map<String, String> settings, IntFunction<FleetNode.Hosts> hosts) {
        if (brokers < 1 || brokers > MOST_NODES) {
            throw new FreshetException(
                    ErrorKind.INVALID, "A fleet has 1 to " + MOST_NODES + " brokers on one machine, not " + brokers);
        }
        Path home = folder.toAbsolutePath().normalize();
        int voters = brokers < VOTERS ? 1 : VOTERS;
        List<Integer> free = freePorts(3 * brokers);
        List<FleetNode> nodes = new ArrayList<>();
        for (int i = 0; i < brokers; i++) {
            nodes.add(new FleetNode(
                    i + 1,
                    home.resolve("node-" + (i + 1)),
                    i < voters,
                    Uuid.randomUuid(),
                    hosts.apply(i + 1),
                    firstPort == 0 ? free.get(3 * i) : firstPort + i,
                    i < voters ? free.get(3 * i + 1) : 0,
                    free.get(3 * i + 2)));
        }
        Fleet fleet = new Fleet(home, Uuid.randomUuid().toString(), nodes);
        fleet.write(settings);
        return fleet;
    }

    /** The fleet of a folder; INVALID if there is none. */
    public static Fleet read(Path folder) {
        Path home = folder.toAbsolutePath().normalize();
        Properties values = new Properties();
        try (Reader reader = Files.newBufferedReader(home.resolve(FILE), StandardCharsets.UTF_8)) {
            values.load(reader);
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "No fleet in " + home + " (no readable " + FILE + "): start one with freshet up --brokers N --data "
                            + home,
                    e);
        }
        List<FleetNode> nodes = new ArrayList<>();
        for (int id = 1; values.containsKey("node." + id + ".port"); id++) {
            int controllerPort = number(values, id, "controller.port");
            nodes.add(new FleetNode(
                    id,
                    home.resolve("node-" + id),
                    controllerPort != 0,
                    Uuid.fromString(values.getProperty("node." + id + ".directory.id", "")),
                    new FleetNode.Hosts(
                            values.getProperty("node." + id + ".host", FleetNode.Hosts.LOCAL.clients()),
                            values.getProperty("node." + id + ".controller.host", FleetNode.Hosts.LOCAL.controllers())),
                    number(values, id, "port"),
                    controllerPort,
                    number(values, id, "http.port")));
        }
        return new Fleet(home, values.getProperty("cluster.id", ""), nodes);
    }

    private static int number(Properties values, int id, String name) {
        return Integer.parseInt(values.getProperty("node." + id + "." + name, "0"));
    }

    /**
     * Ports that nobody listens on now, all different, below those that systems give to outgoing connections: one of these may else take a
     * node's port before that node listens, and even be its own peer, as nodes try to reach each other while they start.
     */
    private static List<Integer> freePorts(int count) {
        List<ServerSocket> sockets = new ArrayList<>();
        List<Integer> ports = new ArrayList<>();
        int next = FIRST_PORT + (int) Randomness.secure().nextLong(PORTS);
        try {
            for (int tried = 0; tried < PORTS && ports.size() < count; tried++) {
                try {
                    sockets.add(new ServerSocket(next, 1, InetAddress.getLoopbackAddress()));
                    ports.add(next);
                } catch (BindException inUse) {
                    // the next one
                }
                next = FIRST_PORT + (next + 1 - FIRST_PORT) % PORTS;
            }
            for (ServerSocket socket : sockets) {
                socket.close();
            }
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE, "Cannot find " + count + " free ports: " + e.getMessage(), e);
        }
        if (ports.size() < count) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Only " + ports.size() + " ports of " + FIRST_PORT + " to " + (FIRST_PORT + PORTS - 1)
                            + " are free, " + count + " are needed: end what listens there");
        }
        return ports;
    }

    private void write(Map<String, String> settings) {
        try {
            Files.createDirectories(folder);
            for (FleetNode node : nodes) {
                Files.createDirectories(node.dataDirectory());
                Properties own = new Properties();
                own.putAll(settingsOf(node));
                own.putAll(settings);
                store(node.propertiesFile(), own, "Node " + node.id() + " of a fleet on one machine");
            }
            Properties values = new Properties();
            values.setProperty("cluster.id", clusterId);
            for (FleetNode node : nodes) {
                values.setProperty(
                        "node." + node.id() + ".directory.id",
                        node.directoryId().toString());
                values.setProperty("node." + node.id() + ".host", node.hosts().clients());
                values.setProperty(
                        "node." + node.id() + ".controller.host", node.hosts().controllers());
                values.setProperty("node." + node.id() + ".port", Integer.toString(node.port()));
                values.setProperty("node." + node.id() + ".controller.port", Integer.toString(node.controllerPort()));
                values.setProperty("node." + node.id() + ".http.port", Integer.toString(node.httpPort()));
            }
            store(folder.resolve(FILE), values, "Nodes that freshet up --brokers runs here");
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE, "Cannot write the fleet's files in " + folder + ": " + e.getMessage(), e);
        }
    }

    private static void store(Path file, Properties values, String comment) throws IOException {
        try (Writer writer = Files.newBufferedWriter(file, StandardCharsets.UTF_8)) {
            values.store(writer, comment);
        }
    }

    private Map<String, String> settingsOf(FleetNode node) {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("process.roles", node.roles());
        values.put("node.id", Integer.toString(node.id()));
        String controller = node.isVoter() ? ",CONTROLLER://" + node.controller() : "";
        values.put("listeners", "PLAINTEXT://" + node.bootstrap() + controller);
        values.put("controller.listener.names", "CONTROLLER");
        values.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        values.put(
                "controller.quorum.bootstrap.servers",
                voters().stream().map(FleetNode::controller).collect(Collectors.joining(",")));
        values.put("log.dirs", node.dataDirectory().toString());
        values.put(FreshetKeys.HTTP_LISTENER, node.http());
        values.put(FreshetKeys.STORAGE_URI, folder.resolve("objects").toUri().toString());
        values.put(WalKeys.WAL_LANES, WalKeys.S3);
        values.put(WalKeys.WAL_LANE, WalKeys.S3);
        if (voters().size() > 1) {
            values.put(FreshetKeys.METADATA_MIRROR, "off");
        }
        return values;
    }

    public Path folder() {
        return folder;
    }

    public String clusterId() {
        return clusterId;
    }

    /** By their numbers, from 1 on. */
    public List<FleetNode> nodes() {
        return nodes;
    }

    List<FleetNode> voters() {
        return nodes.stream().filter(FleetNode::isVoter).toList();
    }

    /** What {@code kafka-storage.sh} is to be told to format a node's metadata directory. */
    public List<String> formatArguments(FleetNode node) {
        List<String> arguments = new ArrayList<>(List.of(
                "format",
                "--cluster-id",
                clusterId,
                "--config",
                node.propertiesFile().toString()));
        if (!node.isVoter()) {
            arguments.add("--no-initial-controllers");
        } else if (voters().size() == 1) {
            arguments.add("--standalone");
        } else {
            arguments.add("--initial-controllers");
            arguments.add(voters().stream()
                    .map(voter -> voter.id() + "@" + voter.controller() + ":" + voter.directoryId())
                    .collect(Collectors.joining(",")));
        }
        return arguments;
    }

    /** INVALID if there is no such node. */
    public FleetNode node(int id) {
        if (id < 1 || id > nodes.size()) {
            throw new FreshetException(
                    ErrorKind.INVALID, "No node " + id + " in " + folder + ": its nodes are 1 to " + nodes.size());
        }
        return nodes.get(id - 1);
    }

    /** What clients put into {@code bootstrap.servers}. */
    public String bootstrap() {
        return nodes.stream().map(FleetNode::bootstrap).collect(Collectors.joining(","));
    }
}
