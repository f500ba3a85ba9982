// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.SimRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Does to the machines and to the network what power supplies, switches and operators do to them. */
final class QuorumChaos {
    private static final long TICK_MS = 500;

    private final QuorumWorld world;
    private final SimRandom random;
    private boolean isOver;

    QuorumChaos(QuorumWorld world) {
        this.world = world;
        this.random = world.random.fork();
    }

    void start() {
        world.process.after(TICK_MS, "chaos", this::tick);
        world.voterChanges.start();
    }

    /** Nothing bad happens from now on, and what is down comes up again; but in some runs one broker is gone for good. */
    void end() {
        isOver = true;
        world.voterChanges.end();
        world.time.say(world.process, () -> "is healed: nothing fails any more");
        world.swarm.heal();
        world.network.openAll();
        List<SimNode> brokers = world.nodes.stream().filter(SimNode::isBroker).toList();
        if (random.chance(0.3) && world.mayLoseBroker && !world.voterChanges.happen()) {
            world.counts.add("broker is gone for good");
            brokers.get(random.below(brokers.size())).goForGood();
        }
        for (SimNode node : world.nodes) {
            NodeRun run = node.run();
            if (run != null) {
                run.goOn();
                if (random.chance(0.5)) {
                    run.process().setSkewMs(0);
                }
            }
            node.start();
        }
    }

    private void tick() {
        if (isOver) {
            return;
        }
        QuorumSwarm swarm = world.swarm;
        SimNode node = world.nodes.get(random.below(world.nodes.size()));
        if (random.chance(0.3)) {
            node = leaderOr(node);
        }
        if (random.chance(swarm.crashes)) {
            world.counts.add("crash");
            node.crash();
            node.startAfter(random.between(50, 8_000));
        } else if (random.chance(swarm.pauses)) {
            pause(node);
        } else if (random.chance(swarm.leaves)) {
            leave(node);
        }
        if (random.chance(swarm.quorumLoss)) {
            loseQuorum();
        }
        partition(swarm);
        if (random.chance(swarm.clockJumps)) {
            jump(node);
        }
        world.process.after(TICK_MS, "chaos", this::tick);
    }

    private SimNode leaderOr(SimNode other) {
        return world.nodes.stream().filter(QuorumChaos::leads).findFirst().orElse(other);
    }

    private static boolean leads(SimNode node) {
        NodeRun run = node.run();
        return run != null && run.leads();
    }

    private void pause(SimNode node) {
        NodeRun run = node.run();
        if (run == null || run.process().isPaused()) {
            return;
        }
        world.counts.add("pause");
        run.process().pause();
        world.process.after(random.between(100, 9_000), "resume", () -> run.goOn());
    }

    /** As after SIGTERM: a broker hands over what it leads, at least for a while. */
    private void leave(SimNode node) {
        NodeRun run = node.run();
        if (run == null || run.process().isPaused()) {
            return;
        }
        world.counts.add("controlled stop");
        Member broker = run.broker();
        Runnable stop = () -> run.stopCleanly(() -> {
            if (node.run() == run) {
                node.stop();
                node.startAfter(random.between(50, 4_000));
            }
        });
        run.process().after(0, "leave", () -> {
            if (broker == null) {
                stop.run();
                return;
            }
            broker.leave();
            run.process().after(random.between(100, 6_000), "close", () -> {
                broker.storage().closeCleanly();
                run.process().after(random.between(0, 500), "stop", stop);
            });
        });
    }

    /** Most voters fail at once. */
    private void loseQuorum() {
        world.counts.add("most voters crash at once");
        List<SimNode> voters =
                new ArrayList<>(world.nodes.stream().filter(SimNode::isVoter).toList());
        for (int i = voters.size() / 2 + 1; i > 0; i--) {
            SimNode voter = voters.remove(random.below(voters.size()));
            voter.crash();
            voter.startAfter(random.between(50, 4_000));
        }
    }

    private void partition(QuorumSwarm swarm) {
        if (world.network.isAnyShut()) {
            if (random.chance(0.15)) {
                world.network.openAll();
            }
            return;
        }
        if (random.chance(swarm.partitions)) {
            world.counts.add("network is split");
            SimNode any = world.nodes.get(random.below(world.nodes.size()));
            SimNode alone = random.chance(0.5) ? leaderOr(any) : any;
            boolean isOne = random.chance(0.5);
            List<Boolean> sides =
                    world.nodes.stream().map(node -> random.chance(0.5)).toList();
            Predicate<SimNode> isHere = node -> isOne ? node == alone : sides.get(node.id());
            shut(isHere, true);
        } else if (random.chance(swarm.oneWayPartitions)) {
            world.counts.add("network is split in one direction");
            SimNode from = leaderOr(world.nodes.get(random.below(world.nodes.size())));
            SimNode other = world.nodes.get(random.below(world.nodes.size()));
            boolean isWide = random.chance(0.5);
            boolean isOutwards = random.chance(0.5);
            shut(node -> (node == from || (isWide && node == other)) == isOutwards, false);
        }
    }

    private void shut(Predicate<SimNode> isHere, boolean isMutual) {
        for (SimNode one : world.nodes) {
            for (SimNode other : world.nodes) {
                if (isHere.test(one) && !isHere.test(other)) {
                    world.network.shut(one.id(), other.id());
                    if (isMutual) {
                        world.network.shut(other.id(), one.id());
                    }
                }
            }
        }
    }

    private void jump(SimNode node) {
        NodeRun run = node.run();
        if (run != null) {
            world.counts.add("wall clock jumps");
            long far = random.chance(0.5) ? 10_000 : 7_200_000;
            run.process().jumpMs(random.between(-far, far));
        }
    }
}
