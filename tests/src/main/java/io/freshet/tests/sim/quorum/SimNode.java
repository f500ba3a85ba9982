// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.SimRandom;
import org.apache.kafka.common.Uuid;
import org.jspecify.annotations.Nullable;

/** One machine: its disk stays, its processes come and go. */
public final class SimNode {
    private final QuorumWorld world;
    private final SimRandom random;
    private final int id;
    private final Uuid directoryId;
    private final boolean isVoter;
    private final boolean isBroker;
    private final NodeDisk disk;
    private @Nullable NodeRun run;
    private boolean isGone;

    public SimNode(QuorumWorld world, int id, Uuid directoryId, boolean isVoter, boolean isBroker, NodeDisk disk) {
        this.world = world;
        this.random = world.random.fork();
        this.id = id;
        this.directoryId = directoryId;
        this.isVoter = isVoter;
        this.isBroker = isBroker;
        this.disk = disk;
    }

    public int id() {
        return id;
    }

    public Uuid directoryId() {
        return directoryId;
    }

    public boolean isVoter() {
        return isVoter;
    }

    public boolean isBroker() {
        return isBroker;
    }

    public NodeDisk disk() {
        return disk;
    }

    @Nullable
    public NodeRun run() {
        return run;
    }

    /** It never comes back. */
    public void goForGood() {
        isGone = true;
        crash();
    }

    public boolean isGone() {
        return isGone;
    }

    public void start() {
        if (run == null && !isGone) {
            world.time.note(world.process, "node starts", id, 0);
            NodeRun started = new NodeRun(world, this);
            run = started;
            started.start();
        }
    }

    public void startAfter(long ms) {
        world.process.after(ms, "start", this::start);
    }

    /** The machine fails: what was not flushed is lost, or some of it. */
    public void crash() {
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

    /** The power is gone while it writes: that is noticed a little later, and it comes back. */
    public void noticeDeath() {
        NodeRun running = run;
        if (running != null && running.process().isDead()) {
            crash();
            startAfter(random.between(50, 4_000));
        }
    }

    /** The process ends by itself, with everything on the disk. */
    public void stop() {
        NodeRun running = run;
        if (running != null) {
            run = null;
            disk.log().stop();
            running.die();
        }
    }
}
