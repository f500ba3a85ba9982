// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.tests.nemesis.PrivateNetwork.Link;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Draws what becomes of a {@link PrivateNetwork}. */
final class NetworkFaults {
    private NetworkFaults() {}

    /** Who does not reach whom. */
    enum Cut {
        /** A node reaches nobody. */
        WHOLE,
        /** The node that leads the quorum reaches nobody. */
        CONTROLLER,
        /** A node reaches its store and clients, but no other node. */
        PEERS,
        STORE,
        CLIENTS,
        /** A node hears all others, but none hears it. */
        MUTE,
        /** All others hear a node, but it hears none. */
        DEAF,
        /** What a node asks the store for is done, but no answer comes. */
        STORE_ANSWERS,
        /** Two nodes do not reach one another; both reach all others. */
        PAIR,
        /** No node of one group reaches any of the other. */
        GROUPS
    }

    private static final List<Cut> OF_ONE_NODE = List.of(Cut.WHOLE, Cut.STORE, Cut.CLIENTS, Cut.STORE_ANSWERS);

    static Disruption draw(PrivateNetwork network, Cluster cluster, Random random) throws InterruptedException {
        List<Integer> shuffled = new ArrayList<>(cluster.ids());
        Collections.shuffle(shuffled, random);
        List<Cut> cuts = shuffled.size() == 1 ? OF_ONE_NODE : List.of(Cut.values());
        Cut cut = cuts.get(random.nextInt(cuts.size()));
        int node = cut == Cut.CONTROLLER ? cluster.controller().orElse(shuffled.get(0)) : shuffled.get(0);
        int other = shuffled.get(Math.min(1, shuffled.size() - 1));
        String name = "partition: node " + node;
        return switch (cut) {
            case WHOLE -> cut(network, name + " from all", node, List.of(Link.values()));
            case CONTROLLER -> cut(network, name + ", the controller, from all", node, List.of(Link.values()));
            case PEERS -> cut(network, name + " from its peers", node, List.of(Link.PEERS));
            case STORE -> cut(network, name + " from the store", node, List.of(Link.STORE));
            case CLIENTS -> cut(network, name + " from clients", node, List.of(Link.CLIENTS));
            case MUTE -> block(network, name + " is not heard by its peers", List.of(node), network.others(node), true);
            case DEAF -> block(network, name + " does not hear its peers", network.others(node), List.of(node), true);
            case STORE_ANSWERS ->
                Disruption.of(
                        name + " gets no answers of the store",
                        () -> network.blockAnswers(node, Link.STORE),
                        () -> network.unblockAnswers(node, Link.STORE));
            case PAIR -> block(network, name + " from node " + other, List.of(node), List.of(other), false);
            case GROUPS -> {
                int first = 1 + random.nextInt(shuffled.size() - 1);
                List<Integer> one = shuffled.subList(0, first).stream().sorted().toList();
                List<Integer> rest = shuffled.subList(first, shuffled.size()).stream()
                        .sorted()
                        .toList();
                yield block(network, "partition: nodes " + one + " from " + rest, one, rest, false);
            }
        };
    }

    static Disruption slow(PrivateNetwork network, int node) {
        return Disruption.of(
                "links of node " + node + " " + network.slowness(),
                () -> network.slow(node),
                () -> network.quick(node));
    }

    static Disruption cut(PrivateNetwork network, String name, int node, List<Link> links) {
        return Disruption.of(
                name,
                () -> {
                    for (Link link : links) {
                        network.cut(node, link);
                    }
                },
                () -> {
                    for (Link link : links) {
                        network.join(node, link);
                    }
                });
    }

    private static Disruption block(
            PrivateNetwork network, String name, List<Integer> from, List<Integer> to, boolean isOneWay) {
        return Disruption.of(
                name,
                () -> {
                    for (int one : from) {
                        for (int other : to) {
                            network.block(one, other);
                            if (!isOneWay) {
                                network.block(other, one);
                            }
                        }
                    }
                },
                () -> {
                    for (int one : from) {
                        for (int other : to) {
                            network.unblock(one, other);
                            if (!isOneWay) {
                                network.unblock(other, one);
                            }
                        }
                    }
                });
    }
}
