// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.whole;

import io.freshet.broker.partition.Partition;
import io.freshet.broker.partition.PartitionLog.Appended;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.tests.sim.CountedBytes;
import io.freshet.tests.sim.Ledger.Known;
import io.freshet.tests.sim.ReadsOfStream;
import io.freshet.tests.sim.ServedPartition;
import io.freshet.tests.sim.SimBatches;
import io.freshet.tests.sim.World;
import io.freshet.tests.sim.quorum.LeaseLedger;
import io.freshet.tests.sim.quorum.Member;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.storage.internals.log.AppendOrigin;

/** A real partition, which takes requests as long as its broker's lease is held, and acknowledges none after that. */
record RealPartition(World world, LeaseLedger leases, Member member, Partition partition) implements ServedPartition {
    private long streamId() {
        return partition.stream().streamId();
    }

    @Override
    public void produce(ByteBuffer batch, Consumer<Reply> reply) {
        if (!member.mayServe()) {
            reply.accept(Reply.of(Reply.Kind.NOT_LEADER));
            return;
        }
        ByteBuffer copy = ByteBuffer.allocate(batch.remaining());
        copy.put(batch.duplicate()).flip();
        Known sent = SimBatches.known(batch);
        SharedBytes bytes = new CountedBytes(copy);
        try {
            Appended appended =
                    partition.append(MemoryRecords.readableRecords(copy.duplicate()), bytes, AppendOrigin.CLIENT);
            Known known = new Known(
                    appended.baseOffset(), appended.endOffset(), sent.producerId(), sent.sequence(), sent.crc());
            appended.durable().whenComplete((end, error) -> answered(known, error == null, reply));
        } catch (ApiException e) {
            world.counts.add("append refused: " + e.getClass().getSimpleName());
            world.time.say(member.run().process(), () -> "append refused: " + e);
            reply.accept(Reply.of(Reply.Kind.RETRY));
        } finally {
            bytes.release();
        }
    }

    private void answered(Known known, boolean isDurable, Consumer<Reply> reply) {
        if (!isDurable || !member.mayServe()) {
            world.counts.add(isDurable ? "durable when the lease is over" : "append fails");
            reply.accept(Reply.of(Reply.Kind.RETRY));
            return;
        }
        world.time.note(member.run().process(), "acknowledges", streamId(), known.baseOffset());
        world.ledger.check(
                partition.highWatermark() >= known.endOffset(),
                () -> partition.id() + ": " + known + " is acknowledged, the high watermark is only "
                        + partition.highWatermark());
        leases.acknowledges(member.id(), member.brokerEpoch(), partition.id());
        if (world.ledger.knows(streamId())) {
            world.ledger.durable(streamId(), partition.leaderEpoch(), known);
        }
        reply.accept(new Reply(Reply.Kind.DONE, known, List.of(), -1));
    }

    @Override
    public void fetch(long offset, int maxBytes, Consumer<Reply> reply) {
        if (!member.mayServe() || partition.isFailed()) {
            reply.accept(Reply.of(Reply.Kind.NOT_LEADER));
            return;
        }
        new ReadsOfStream(world, member.run().process(), streamId())
                .fetch(
                        offset,
                        partition.logStartOffset(),
                        partition.highWatermark(),
                        highWatermark -> read(offset, maxBytes, highWatermark),
                        partition::logStartOffset,
                        reply);
    }

    private CompletableFuture<StreamRead> read(long offset, int maxBytes, long highWatermark) {
        return partition.read(offset, maxBytes, highWatermark, true).exceptionallyCompose(error -> {
            Throwable cause = FreshetException.unwrap(error);
            return CompletableFuture.failedFuture(
                    cause instanceof ApiException refusal
                            ? new FreshetException(ErrorKind.UNAVAILABLE, "Refused: " + refusal, refusal)
                            : cause);
        });
    }
}
