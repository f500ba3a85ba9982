// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamLog.StreamRead;
import io.freshet.tests.sim.Ledger.Known;
import io.freshet.tests.sim.ServedPartition.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;

/** Answers consumers of a stream, and looks at what the storage has read for them. */
public record ReadsOfStream(World world, SimProcess process, long streamId) {
    /**
     * @param read reads up to a high watermark
     * @param startNow where the stream begins when a read has failed
     */
    public void fetch(
            long offset,
            long startOffset,
            long highWatermark,
            LongFunction<CompletableFuture<StreamRead>> read,
            LongSupplier startNow,
            Consumer<Reply> reply) {
        if (offset < startOffset) {
            reply.accept(new Reply(Reply.Kind.OUT_OF_RANGE, null, List.of(), startOffset));
            return;
        }
        if (offset >= highWatermark) {
            reply.accept(new Reply(Reply.Kind.DONE, null, List.of(), highWatermark));
            return;
        }
        read.apply(highWatermark).whenComplete((found, error) -> {
            if (error != null) {
                failed(FreshetException.of(error), offset, startNow.getAsLong());
                reply.accept(Reply.of(Reply.Kind.RETRY));
                return;
            }
            List<Known> batches = new ArrayList<>();
            for (SharedBytes bytes : found.batches()) {
                batches.addAll(SimBatches.all(bytes.view(), world.ledger, "Fetch of stream " + streamId));
            }
            found.release();
            batches.forEach(batch -> world.ledger.check(
                    batch.endOffset() <= highWatermark,
                    () -> "Stream " + streamId + ": " + batch + " was read past the high watermark " + highWatermark));
            reply.accept(new Reply(Reply.Kind.DONE, null, batches, highWatermark));
        });
    }

    private void failed(FreshetException cause, long offset, long startOffset) {
        world.counts.add("fetch fails: " + cause.kind());
        world.time.say(process, () -> "fetch fails: " + cause);
        boolean isTrimmed = offset < startOffset;
        world.ledger.check(
                isTrimmed || (cause.kind() != ErrorKind.INTERNAL && cause.kind() != ErrorKind.INVALID),
                () -> "A read of stream " + streamId + " at " + offset + " fails: " + cause);
    }
}
