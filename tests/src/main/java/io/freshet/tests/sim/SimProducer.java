// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.tests.sim.ServedPartition.Reply;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** An idempotent producer of one stream: one batch at a time, sent again until it is acknowledged. */
public final class SimProducer {
    private static final long TIMEOUT_MS = 1_500;

    private final World world;
    private final SimRandom random;
    private final long producerId;
    private final long streamId;
    private final int maxPauseMs;
    private @Nullable ByteBuffer batch;
    private int sequence;
    private int attempt;
    private boolean isStopping;

    public SimProducer(World world, long producerId, long streamId) {
        this.world = world;
        this.random = world.random.fork();
        this.producerId = producerId;
        this.streamId = streamId;
        this.maxPauseMs = (int) random.between(5, 300);
    }

    public void start() {
        next();
    }

    /** No batch after the one under way. */
    public void stop() {
        isStopping = true;
    }

    public boolean isDone() {
        return isStopping && batch == null;
    }

    private void next() {
        if (isStopping) {
            return;
        }
        int filler = random.chance(0.05) ? random.below(12_000) : random.below(1_000);
        batch = SimBatches.batch(producerId, sequence, 1 + random.below(5), filler, random);
        send();
    }

    private void send() {
        ByteBuffer sent = batch;
        if (sent == null) {
            return;
        }
        int thisAttempt = ++attempt;
        Swarm swarm = world.swarm;
        world.process.after(TIMEOUT_MS, "produce times out", () -> retry(thisAttempt));
        boolean isRequestLost = random.chance(swarm.now(swarm.clientMessageIsLost));
        boolean isAnswerLost = random.chance(swarm.now(swarm.clientMessageIsLost));
        ServingProcess target = world.cluster().serverOf(streamId);
        if (target == null || isRequestLost) {
            return;
        }
        target.process().after(random.between(0, 5), "produce", () -> {
            ServedPartition partition = target.partition(streamId);
            if (partition == null) {
                answer(target, thisAttempt, Reply.of(Reply.Kind.NOT_LEADER), isAnswerLost);
            } else {
                partition.produce(sent, reply -> answer(target, thisAttempt, reply, isAnswerLost));
            }
        });
    }

    /** The answer leaves the broker, unless that has died. */
    private void answer(ServingProcess from, int ofAttempt, Reply reply, boolean isLost) {
        if (!isLost && !from.process().isDead()) {
            world.process.after(random.between(0, 5), "produce answer", () -> answered(ofAttempt, reply));
        }
    }

    private void answered(int ofAttempt, Reply reply) {
        if (batch == null) {
            return;
        }
        if (reply.kind() == Reply.Kind.DONE && reply.batch() != null) {
            if (reply.batch().sequence() == sequence) {
                world.ledger.acknowledged(streamId, reply.batch());
                batch = null;
                sequence = reply.batch().nextSequence();
                attempt++;
                world.process.after(random.between(0, maxPauseMs), "next batch", this::next);
            }
        } else {
            world.process.after(random.between(20, 300), "produce again", () -> retry(ofAttempt));
        }
    }

    private void retry(int ofAttempt) {
        if (ofAttempt == attempt) {
            send();
        }
    }

    @Override
    public String toString() {
        return "producer " + producerId + " of stream " + streamId + " with sequence " + sequence;
    }
}
