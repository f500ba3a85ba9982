// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.broker.cli.fleet.FleetNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Three networks in which nodes, each in a network namespace, meet: one another ({@link Link#PEERS}), their store and their clients,
 * which are both in this process's namespace. Links can be cut, and routes closed one way. To be made in a process that
 * {@link Namespaces} runs, with which all of it ends. Addresses are 10.77.LINK.NODE, and .254 for this process. Used by one thread.
 */
public final class PrivateNetwork {
    private static final String ADDRESSES = "10.77.";
    private static final int HERE = 254;

    private final int nodes;
    private final boolean canDelay;

    private PrivateNetwork(int nodes, boolean canDelay) {
        this.nodes = nodes;
        this.canDelay = canDelay;
    }

    /** One of a node's three network cards. */
    public enum Link {
        PEERS,
        STORE,
        CLIENTS;

        private String bridge() {
            return name().toLowerCase(Locale.ROOT);
        }

        private String port(int node) {
            return bridge() + node;
        }

        private String address(int node) {
            return ADDRESSES + (ordinal() + 1) + "." + node;
        }
    }

    /** Makes it; all links are well. */
    public static PrivateNetwork make(int nodes) throws IOException, InterruptedException {
        sh("mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip link set lo up");
        for (Link link : Link.values()) {
            sh("ip link add %1$s type bridge && ip addr add %2$s/24 dev %1$s && ip link set %1$s up"
                    .formatted(link.bridge(), link.address(HERE)));
        }
        for (int node = 1; node <= nodes; node++) {
            sh("ip netns add n%1$d && ip -n n%1$d link set lo up".formatted(node));
            for (Link link : Link.values()) {
                sh(("ip link add %1$s type veth peer name %2$s netns n%3$d && ip link set %1$s master %2$s up"
                                + " && ip -n n%3$d addr add %4$s/24 dev %2$s && ip -n n%3$d link set %2$s up")
                        .formatted(link.port(node), link.bridge(), node, link.address(node)));
            }
        }
        return new PrivateNetwork(
                nodes, isDone("tc qdisc add dev lo root netem delay 1ms && tc qdisc del dev lo root"));
    }

    FleetNode.Hosts hosts(int node) {
        return new FleetNode.Hosts(Link.CLIENTS.address(node), Link.PEERS.address(node));
    }

    /** Where nodes find the store: it listens at this address of this process. */
    public String storeHost() {
        return Link.STORE.address(HERE);
    }

    /** What comes before a command that runs in a node's place. */
    List<String> launcher(int node) {
        return List.of("nsenter", "--net=/run/netns/n" + node);
    }

    /** Nothing comes or goes, and nobody is told. */
    public void cut(int node, Link link) throws IOException, InterruptedException {
        sh("ip link set %s down".formatted(link.port(node)));
    }

    /** The reverse. */
    public void join(int node, Link link) throws IOException, InterruptedException {
        sh("ip link set %s up".formatted(link.port(node)));
    }

    /** What {@code from} sends to {@code to} is lost; the other way is open. */
    public void block(int from, int to) throws IOException, InterruptedException {
        sh("ip -n n%d route add blackhole %s/32".formatted(from, Link.PEERS.address(to)));
    }

    /** The reverse. */
    public void unblock(int from, int to) throws IOException, InterruptedException {
        sh("ip -n n%d route del blackhole %s/32".formatted(from, Link.PEERS.address(to)));
    }

    /** Clients' or the store's answers to a node are lost; what it sends arrives. */
    public void blockAnswers(int node, Link link) throws IOException, InterruptedException {
        sh("ip route add blackhole %s/32".formatted(link.address(node)));
    }

    /** The reverse. */
    public void unblockAnswers(int node, Link link) throws IOException, InterruptedException {
        sh("ip route del blackhole %s/32".formatted(link.address(node)));
    }

    /** What {@link #slow} does here: the kernel may lack what it takes to delay. */
    String slowness() {
        return canDelay ? "100 ms slower, 1 % lost" : "narrowed to 1 Mbit/s";
    }

    /** All that comes to a node and goes from it takes its time, until {@link #quick}. */
    void slow(int node) throws IOException, InterruptedException {
        String how = canDelay ? "netem delay 100ms 50ms loss 1%" : "tbf rate 1mbit burst 16kb latency 300ms";
        for (Link link : Link.values()) {
            sh("tc qdisc add dev %1$s root %3$s && nsenter --net=/run/netns/n%4$d tc qdisc add dev %2$s root %3$s"
                    .formatted(link.port(node), link.bridge(), how, node));
        }
    }

    void quick(int node) throws IOException, InterruptedException {
        for (Link link : Link.values()) {
            sh("tc qdisc del dev %1$s root && nsenter --net=/run/netns/n%3$d tc qdisc del dev %2$s root"
                    .formatted(link.port(node), link.bridge(), node));
        }
    }

    /** All others of a node. */
    List<Integer> others(int node) {
        List<Integer> others = new ArrayList<>();
        for (int other = 1; other <= nodes; other++) {
            if (other != node) {
                others.add(other);
            }
        }
        return others;
    }

    private static void sh(String command) throws IOException, InterruptedException {
        Process process = start(command);
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("The network refused: " + command + "\n" + said);
        }
    }

    private static boolean isDone(String command) throws IOException, InterruptedException {
        Process process = start(command);
        process.getInputStream().readAllBytes();
        return process.waitFor() == 0;
    }

    private static Process start(String command) throws IOException {
        return new ProcessBuilder("sh", "-c", command)
                .redirectInput(new java.io.File("/dev/null"))
                .redirectErrorStream(true)
                .start();
    }
}
