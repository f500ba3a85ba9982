// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.tests.sim.Ledger.Known;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A partition as a broker serves it to clients. */
public interface ServedPartition {
    /** What a client is told. */
    record Reply(Kind kind, @Nullable Known batch, List<Known> batches, long offset) {
        public enum Kind {
            DONE,
            RETRY,
            NOT_LEADER,
            OUT_OF_RANGE
        }

        public static Reply of(Kind kind) {
            return new Reply(kind, null, List.of(), -1);
        }
    }

    /** Appends one batch of an idempotent producer; {@code reply} is told when it is durable, or will not be. */
    void produce(ByteBuffer batch, Consumer<Reply> reply);

    /** Reads from {@code offset} up to the high watermark. */
    void fetch(long offset, int maxBytes, Consumer<Reply> reply);
}
