// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.tests.sim.Ledger.Known;
import io.freshet.tests.sim.ServedPartition.Reply;

/** Reads one stream by offsets, begins anew now and then, and never expects a hole or a change. */
public final class SimConsumer {
    private static final long TIMEOUT_MS = 3_000;

    private final World world;
    private final SimRandom random;
    private final long streamId;
    private long position;
    private int attempt;
    private boolean isStopped;

    public SimConsumer(World world, long streamId) {
        this.world = world;
        this.random = world.random.fork();
        this.streamId = streamId;
    }

    /** Asks for nothing more. */
    public void stop() {
        isStopped = true;
    }

    public void start() {
        fetch();
    }

    private void fetch() {
        if (isStopped) {
            return;
        }
        int thisAttempt = ++attempt;
        world.process.after(TIMEOUT_MS, "fetch times out", () -> again(thisAttempt));
        ServingProcess target = world.cluster().serverOf(streamId);
        if (target == null || random.chance(world.swarm.now(world.swarm.clientMessageIsLost))) {
            return;
        }
        int maxBytes = (int) random.between(1, 20_000);
        long from = position;
        target.process().after(random.between(0, 5), "fetch", () -> {
            ServedPartition partition = target.partition(streamId);
            if (partition != null) {
                partition.fetch(from, maxBytes, reply -> {
                    if (!target.process().isDead()) {
                        world.process.after(
                                random.between(0, 5), "fetch answer", () -> answered(thisAttempt, from, reply));
                    }
                });
            }
        });
    }

    private void again(int ofAttempt) {
        if (ofAttempt == attempt) {
            fetch();
        }
    }

    private void answered(int ofAttempt, long from, Reply reply) {
        if (ofAttempt != attempt) {
            return;
        }
        attempt++;
        if (reply.kind() == Reply.Kind.OUT_OF_RANGE) {
            position = Math.max(position, reply.offset());
        }
        long next = from;
        for (Known batch : reply.batches()) {
            long expected = next;
            boolean isFirst = next == from;
            world.ledger.check(
                    batch.baseOffset() == expected || (isFirst && batch.baseOffset() < expected),
                    () -> "Stream " + streamId + ": a consumer at offset " + expected + " was given " + batch);
            world.ledger.consumed(streamId, batch);
            next = batch.endOffset();
        }
        position = Math.max(position, next);
        if (random.chance(world.swarm.now(0.02))) {
            position = world.ledger.stream(streamId).trimAsked;
        }
        int attemptNow = attempt;
        world.process.after(random.between(5, 200), "next fetch", () -> again(attemptNow));
    }
}
