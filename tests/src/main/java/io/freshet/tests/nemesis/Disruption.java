// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/** One fault, from its beginning to its end. */
public interface Disruption {
    /** What and to whom, for people. */
    String name();

    void begin() throws IOException, InterruptedException;

    /** Undoes it; what was broken may take its time to be well again. */
    void end() throws IOException, InterruptedException;

    /** It is not ended before this has passed. */
    default Duration atLeast() {
        return Duration.ZERO;
    }

    /** What a fault falls upon; of each there is at most one fault at a time. */
    enum Victim {
        NODES,
        STORE,
        CLOCKS
    }

    /** The kinds that a run may have. */
    enum Kind {
        /** kill -9, started again at the end. */
        KILL(Victim.NODES),
        /** kill -9 of the node that leads the quorum. */
        CONTROLLER(Victim.NODES),
        /** kill -9 of two nodes at once; of three, that is the quorum's majority. */
        PAIR(Victim.NODES),
        /** kill -9 of a voter, and seconds later of another: first a minority, then a majority is gone. */
        VOTERS(Victim.NODES),
        /** SIGSTOP, SIGCONT at the end. */
        PAUSE(Victim.NODES),
        /** A clean stop, started again at the end. */
        RESTART(Victim.NODES),
        /** Nodes do not reach one another, their store or their clients; needs a {@link PrivateNetwork}. */
        PARTITION(Victim.NODES),
        /** All links of a node are slow; needs a {@link PrivateNetwork}. */
        SLOW(Victim.NODES),
        /** A node's wall clock jumps, and back at the end; needs {@link FakeClocks}. */
        CLOCK(Victim.CLOCKS),
        /** The object store fails in one of its ways. */
        STORE(Victim.STORE),
        /** The object store is gone for a minute. */
        OUTAGE(Victim.STORE);

        private final Victim victim;

        Kind(Victim victim) {
            this.victim = victim;
        }

        Victim victim() {
            return victim;
        }
    }

    /** A disruption of {@code kind}, drawn by {@code random}. */
    static Disruption draw(Kind kind, Cluster cluster, FaultProxy store, Random random)
            throws IOException, InterruptedException {
        List<Integer> shuffled = new ArrayList<>(cluster.ids());
        Collections.shuffle(shuffled, random);
        int id = shuffled.get(0);
        FaultProxy.Fault[] faults = FaultProxy.Fault.values();
        FaultProxy.Fault fault = faults[1 + random.nextInt(faults.length - 1)];
        return switch (kind) {
            case KILL -> kill(cluster, List.of(id), "");
            case CONTROLLER -> kill(cluster, List.of(cluster.controller().orElse(id)), ", the controller");
            case PAIR -> kill(cluster, List.copyOf(shuffled.subList(0, Math.min(2, shuffled.size()))), "");
            case VOTERS -> voters(cluster, random);
            case RESTART -> of("restart node " + id, () -> cluster.stop(id), () -> cluster.start(id));
            case PAUSE -> of("pause node " + id, () -> cluster.pause(id), () -> cluster.resume(id));
            case PARTITION -> NetworkFaults.draw(cluster.network(), cluster, random);
            case SLOW -> NetworkFaults.slow(cluster.network(), id);
            case CLOCK -> clock(cluster, id, random);
            case STORE -> of("store " + fault, () -> store.set(fault), () -> store.set(FaultProxy.Fault.NONE));
            case OUTAGE -> outage(store, Duration.ofSeconds(60));
        };
    }

    private static Disruption kill(Cluster cluster, List<Integer> ids, String whom) {
        String names = String.join(" and ", ids.stream().map(id -> "node " + id).toList());
        return of("kill -9 " + names + whom, () -> ids.forEach(cluster::kill), () -> ids.forEach(cluster::start));
    }

    private static Disruption voters(Cluster cluster, Random random) {
        List<Integer> voters = new ArrayList<>(cluster.voters());
        Collections.shuffle(voters, random);
        int first = voters.get(0);
        int second = voters.get(Math.min(1, voters.size() - 1));
        Duration between = Duration.ofMillis(1000 + random.nextInt(5000));
        return of(
                "kill -9 of voters, node " + first + " then node " + second,
                () -> {
                    cluster.kill(first);
                    if (second != first) {
                        rest(between);
                        cluster.kill(second);
                    }
                },
                () -> List.of(first, second).stream().distinct().forEach(cluster::start));
    }

    private static Disruption clock(Cluster cluster, int id, Random random) {
        Duration[] jumps = {
            Duration.ofSeconds(20),
            Duration.ofMinutes(3),
            Duration.ofMinutes(50),
            Duration.ofHours(2),
            Duration.ofHours(11)
        };
        Duration ahead = jumps[random.nextInt(jumps.length)].multipliedBy(random.nextBoolean() ? 1 : -1);
        String way = ahead.isNegative() ? "back" : "ahead";
        return of(
                "clock " + ahead.abs().toString().substring(2) + " " + way + ", node " + id,
                () -> cluster.clocks().set(id, ahead),
                () -> cluster.clocks().set(id, Duration.ZERO));
    }

    /** Nobody listens at the store. */
    static Disruption outage(FaultProxy store, Duration length) {
        return new Disruption() {
            @Override
            public String name() {
                return "store GONE for " + length.toSeconds() + " s";
            }

            @Override
            public void begin() {
                store.set(FaultProxy.Fault.GONE);
            }

            @Override
            public void end() {
                store.set(FaultProxy.Fault.NONE);
            }

            @Override
            public Duration atLeast() {
                return length;
            }
        };
    }

    /** Something that touches processes. */
    interface Deed {
        void run() throws IOException, InterruptedException;
    }

    /** Made of two deeds. */
    static Disruption of(String name, Deed begin, Deed end) {
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

    /** Lets time pass. */
    static void rest(Duration length) {
        long untilNanos = System.nanoTime() + length.toNanos();
        while (System.nanoTime() < untilNanos) {
            LockSupport.parkNanos(untilNanos - System.nanoTime());
        }
    }
}
