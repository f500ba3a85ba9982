// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.SimRandom;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** Carries messages between nodes: late, twice, out of order, or not at all; some ways may be shut, in one direction too. */
final class SimNetwork {
    private static final long LATEST_MS = 4_000;

    private final QuorumWorld world;
    /** Of each way its own: libraries visit sets of nodes in an order that differs from one JVM to the next. */
    private final Map<Long, SimRandom> chances = new HashMap<>();

    private final long seed;
    private final Set<Long> shut = new HashSet<>();

    SimNetwork(QuorumWorld world) {
        this.world = world;
        this.seed = world.random.nextLong();
    }

    private SimRandom chance(int from, int to) {
        return chances.computeIfAbsent(way(from, to), way -> new SimRandom(SimRandom.mix(seed + way)));
    }

    private static long way(int from, int to) {
        return (long) from << 32 | to;
    }

    void shut(int from, int to) {
        shut.add(way(from, to));
    }

    void openAll() {
        shut.clear();
    }

    boolean isAnyShut() {
        return !shut.isEmpty();
    }

    private long delayNanos(SimRandom random) {
        QuorumSwarm swarm = world.swarm;
        if (random.chance(swarm.now(swarm.messageIsLate))) {
            world.counts.add("message is late");
            return random.between(10, LATEST_MS) * 1_000_000;
        }
        return random.between(50_000, swarm.isHealed() ? 1_000_000 : swarm.slownessNanos);
    }

    /** Whether a message gets through. */
    private boolean isLost(int from, int to) {
        QuorumSwarm swarm = world.swarm;
        SimRandom random = chance(from, to);
        if (shut.contains(way(from, to))) {
            world.counts.add("message meets a shut way");
            return true;
        }
        if (random.chance(swarm.now(swarm.messageIsLost))) {
            world.counts.add("message is lost");
            return true;
        }
        return false;
    }

    /**
     * A request for node {@code to}.
     *
     * @param deliver is given the process that runs there when it arrives
     * @param refused is run at the sender if nobody listens there
     */
    void request(NodeRun from, int to, String what, Consumer<NodeRun> deliver, Runnable refused) {
        QuorumSwarm swarm = world.swarm;
        if (chance(from.id(), to).chance(swarm.now(swarm.messageIsDoubled))) {
            world.counts.add("request arrives twice");
            requestOnce(from, to, what, deliver, () -> {});
        }
        requestOnce(from, to, what, deliver, refused);
    }

    /** The same for what is never carried twice. */
    void requestOnce(NodeRun from, int to, String what, Consumer<NodeRun> deliver, Runnable refused) {
        if (isLost(from.id(), to)) {
            return;
        }
        world.time.schedule(world.process, delayNanos(chance(from.id(), to)), what, () -> {
            NodeRun receiver = world.nodes.get(to).run();
            if (receiver == null) {
                answer(to, from, "refused", refused);
            } else {
                world.time.schedule(receiver.process(), 0, what, () -> deliver.accept(receiver));
            }
        });
    }

    /** An answer on its way back to a process, if that still lives. */
    void answer(int from, NodeRun to, String what, Runnable deliver) {
        if (!isLost(from, to.id())) {
            world.time.schedule(to.process(), delayNanos(chance(from, to.id())), what, deliver);
        }
    }
}
