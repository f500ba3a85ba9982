// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
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
        /** kill -9 of the node that leads the quorum. */
        CONTROLLER,
        /** kill -9 of two nodes at once; of three, that is the quorum's majority. */
        PAIR,
        /** SIGSTOP, SIGCONT at the end. */
        PAUSE,
        /** A clean stop, started again at the end. */
        RESTART,
        /** The object store fails in one of its ways. */
        STORE
    }

    /** A disruption of {@code kind}, drawn by {@code random}. */
    static Disruption draw(Kind kind, Cluster cluster, FaultProxy store, Random random) throws InterruptedException {
        List<Integer> shuffled = new ArrayList<>(cluster.ids());
        Collections.shuffle(shuffled, random);
        int id = shuffled.get(0);
        FaultProxy.Fault[] faults = FaultProxy.Fault.values();
        FaultProxy.Fault fault = faults[1 + random.nextInt(faults.length - 1)];
        return switch (kind) {
            case KILL -> kill(cluster, List.of(id), "");
            case CONTROLLER -> kill(cluster, List.of(cluster.controller().orElse(id)), ", the controller");
            case PAIR -> kill(cluster, List.copyOf(shuffled.subList(0, Math.min(2, shuffled.size()))), "");
            case RESTART -> of("restart node " + id, () -> cluster.stop(id), () -> cluster.start(id));
            case PAUSE -> of("pause node " + id, () -> cluster.pause(id), () -> cluster.resume(id));
            case STORE -> of("store " + fault, () -> store.set(fault), () -> store.set(FaultProxy.Fault.NONE));
        };
    }

    private static Disruption kill(Cluster cluster, List<Integer> ids, String whom) {
        String names = String.join(" and ", ids.stream().map(id -> "node " + id).toList());
        return of("kill -9 " + names + whom, () -> ids.forEach(cluster::kill), () -> ids.forEach(cluster::start));
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
