// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.SimRandom;
import org.apache.kafka.common.Uuid;
import org.jspecify.annotations.Nullable;

/** One machine: its disk stays, its processes come and go. */
final class SimNode {
    private final QuorumWorld world;
    private final SimRandom random;
    private final int id;
    private final Uuid directoryId;
    private final boolean isVoter;
    private final boolean isBroker;
    private final NodeDisk disk;
    private @Nullable NodeRun run;
    private boolean isGone;

    SimNode(QuorumWorld world, int id, Uuid directoryId, boolean isVoter, boolean isBroker, NodeDisk disk) {
        this.world = world;
        this.random = world.random.fork();
        this.id = id;
        this.directoryId = directoryId;
        this.isVoter = isVoter;
        this.isBroker = isBroker;
        this.disk = disk;
    }

    int id() {
        return id;
    }

    Uuid directoryId() {
        return directoryId;
    }

    boolean isVoter() {
        return isVoter;
    }

    boolean isBroker() {
        return isBroker;
    }

    NodeDisk disk() {
        return disk;
    }

    @Nullable
    NodeRun run() {
        return run;
    }

    /** It never comes back. */
    void goForGood() {
        isGone = true;
        crash();
    }

    boolean isGone() {
        return isGone;
    }

    void start() {
        if (run == null && !isGone) {
            world.time.note(world.process, "node starts", id, 0);
            NodeRun started = new NodeRun(world, this);
            run = started;
            started.start();
        }
    }

    void startAfter(long ms) {
        world.process.after(ms, "start", this::start);
    }

    /** The machine fails: what was not flushed is lost, or some of it. */
    void crash() {
        NodeRun running = run;
        if (running == null) {
            return;
        }
        run = null;
        disk.log().crash(random);
        running.die();
        if (world.sabotage.forgetsVotes()) {
            disk.votes().forget();
        }
        if (random.chance(world.swarm.now(world.swarm.tablesAreLost))) {
            world.counts.add("tables are lost");
            disk.tables().clear();
        }
    }

    /** The process ends by itself, with everything on the disk. */
    void stop() {
        NodeRun running = run;
        if (running != null) {
            run = null;
            disk.log().stop();
            running.die();
        }
    }
}
