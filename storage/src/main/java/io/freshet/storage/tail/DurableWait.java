// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One party that waits until a stream is durable up to an offset. Safe for use by many threads; the last to ask waits. */
final class DurableWait {
    private record Waiting(long offset, CompletableFuture<Boolean> reached) {}

    private volatile @Nullable Waiting waiting;

    /** Completes when {@link #reached} or {@link #end} is called; the caller looks at the offsets again after this call. */
    CompletableFuture<Boolean> until(long offset) {
        Waiting asked = new Waiting(offset, new CompletableFuture<>());
        waiting = asked;
        return asked.reached();
    }

    /** The stream is durable up to {@code offset}. */
    void reached(long offset) {
        Waiting asked = waiting;
        if (asked != null && asked.offset() <= offset) {
            end(true);
        }
    }

    void end(boolean isDurable) {
        Waiting asked = waiting;
        if (asked != null) {
            waiting = null;
            asked.reached().complete(isDurable);
        }
    }
}
