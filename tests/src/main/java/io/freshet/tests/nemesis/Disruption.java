// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.broker.cli.fleet.NodeProcess;
import java.io.IOException;
import java.util.Random;

/** One fault, from its beginning to its end. */
public interface Disruption {
    /** What and to whom, for people. */
    String name();

    void begin() throws IOException, InterruptedException;

    /** Undoes it; what was broken may take its time to be well again. */
    void end() throws IOException, InterruptedException;

    /** The kinds that a run may have. */
    enum Kind {
        /** kill -9, started again at the end. */
        KILL,
        /** SIGSTOP, SIGCONT at the end. */
        PAUSE,
        /** A clean stop, started again at the end. */
        RESTART,
        /** The object store fails in one of its ways. */
        STORE
    }

    /** A disruption of {@code kind}, drawn by {@code random}. */
    static Disruption draw(Kind kind, Cluster cluster, FaultProxy store, Random random) {
        NodeProcess node = cluster.node(random.nextInt(cluster.size()));
        int id = node.node().id();
        FaultProxy.Fault[] faults = FaultProxy.Fault.values();
        FaultProxy.Fault fault = faults[1 + random.nextInt(faults.length - 1)];
        return switch (kind) {
            case KILL -> of("kill -9 node " + id, () -> cluster.kill(node), () -> cluster.start(node));
            case RESTART -> of("restart node " + id, () -> cluster.stop(node), () -> cluster.start(node));
            case PAUSE ->
                of("pause node " + id, () -> cluster.signal(node, "STOP"), () -> cluster.signal(node, "CONT"));
            case STORE -> of("store " + fault, () -> store.set(fault), () -> store.set(FaultProxy.Fault.NONE));
        };
    }

    /** Something that touches processes. */
    interface Deed {
        void run() throws IOException, InterruptedException;
    }

    private static Disruption of(String name, Deed begin, Deed end) {
        return new Disruption() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public void begin() throws IOException, InterruptedException {
                begin.run();
            }

            @Override
            public void end() throws IOException, InterruptedException {
                end.run();
            }
        };
    }
}
