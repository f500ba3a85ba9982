// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.storage.StreamLog;
import java.util.List;

/** Does to the brokers, the store and the quorum what operators, networks and power supplies do to them. */
final class Chaos {
    private static final long TICK_MS = 500;

    private final World world;
    private final SimRandom random;
    private boolean isOver;
    private boolean clocksWereSteady = true;

    Chaos(World world) {
        this.world = world;
        this.random = world.random.fork();
    }

    void start() {
        world.process.after(TICK_MS, "chaos", this::tick);
    }

    boolean clocksWereSteady() {
        return clocksWereSteady;
    }

    /** Nothing bad happens from now on, and what is down comes up again. */
    void end() {
        isOver = true;
        world.time.say(world.process, () -> "is healed: nothing fails any more");
        world.swarm.heal();
        for (SimBroker broker : world.brokers) {
            broker.buryAll();
            Incarnation running = broker.current();
            if (running != null) {
                running.process().resume();
                running.process().setSkewMs(0);
            }
            broker.startIfDown();
        }
        world.quorum().process().setSkewMs(0);
    }

    private void tick() {
        if (isOver) {
            return;
        }
        Swarm swarm = world.swarm;
        SimBroker broker = world.brokers.get(random.below(world.brokers.size()));
        if (random.chance(swarm.crashes * 0.3)) {
            world.counts.add("crash");
            broker.crash();
        } else if (random.chance(swarm.restartsCleanly * 0.3)) {
            broker.stopCleanly();
        } else if (random.chance(swarm.zombies * 0.4)) {
            broker.replaceByZombie();
        } else if (random.chance(swarm.pauses * 0.5)) {
            broker.pause();
        }
        if (random.chance(swarm.storms * 0.3)) {
            world.counts.add("storm");
            world.store.storm(random.between(300, 6_000));
        }
        if (random.chance(swarm.leaderIsLost * 0.5)) {
            world.quorum().loseLeader();
        }
        if (random.chance(swarm.clockJumps * 0.3)) {
            jump(broker);
        }
        Incarnation running = broker.current();
        if (running != null && random.chance(swarm.followerStalls * 0.5)) {
            world.counts.add("follower falls behind");
            running.follower().stall(random.between(100, 15_000));
        }
        if (running != null && random.chance(0.05) && running.storage() != null) {
            var storage = running.storage();
            running.process().after(0, "upload now", storage::uploadNow);
        }
        if (world.allowsTakeover() && random.chance(swarm.takeovers * 0.4)) {
            takeForDead();
        }
        onOneStream(swarm);
        world.process.after(TICK_MS, "chaos", this::tick);
    }

    /** The detector takes a broker for dead, mostly one that is down or paused. */
    private void takeForDead() {
        SimBroker broker = world.brokers.get(random.below(world.brokers.size()));
        Incarnation running = broker.current();
        boolean seemsDead = running == null || running.process().isPaused() || !running.isServing();
        if (seemsDead || random.chance(0.05)) {
            world.counts.add(seemsDead ? "broker is taken for dead" : "living broker is taken for dead");
            SimRandom choice = random.fork();
            Orders orders = new Orders(world.quorum());
            world.quorum().order(image -> orders.failOver(image, broker.id(), choice));
        }
    }

    private void jump(SimBroker broker) {
        world.counts.add("wall clock jumps");
        clocksWereSteady = false;
        Incarnation running = broker.current();
        SimProcess process =
                running == null || random.chance(0.3) ? world.quorum().process() : running.process();
        long far = random.chance(0.5) ? 10_000 : 7_200_000;
        process.jumpMs(random.between(-far, far));
    }

    private void onOneStream(Swarm swarm) {
        List<Ledger.Stream> streams = world.ledger.streams();
        Ledger.Stream stream = streams.get(random.below(streams.size()));
        Incarnation owner = world.ownerOf(stream.streamId).current();
        if (owner == null) {
            return;
        }
        if (random.chance(swarm.moves * 0.5)) {
            int target = random.below(world.brokers.size());
            owner.process().after(1, "move", () -> owner.move(stream.streamId, target));
        } else if (random.chance(swarm.trims * 0.5)) {
            owner.process().after(1, "trim", () -> trim(owner, stream.streamId));
        }
    }

    private void trim(Incarnation owner, long streamId) {
        SimPartition partition = owner.partition(streamId);
        StreamLog log = partition == null ? null : partition.log();
        if (partition == null || log == null || partition.isClosed()) {
            return;
        }
        long start = log.startOffset();
        long target = random.between(start, log.durableEndOffset());
        world.counts.add("trim");
        world.ledger.trimAsked(streamId, target);
        log.trim(target).whenComplete((nothing, error) -> {
            if (error == null) {
                world.ledger.trimDone(streamId, target);
            } else {
                world.counts.add("trim fails");
            }
        });
    }
}
