// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The bytes of one object, made while it is written. Asked by one caller, one call at a time. */
public interface PieceSource {
    /**
     * Bytes of former pieces that a store holds when it asks for the next: a part on its way, a part that fills, and one that the
     * HTTP client has not let go of yet.
     */
    int MAX_HELD_BYTES = 24 << 20;

    /**
     * The next piece, of any size: some MiB are best; an empty list, or buffers without bytes, is the end, after which no call
     * follows. Buffers are read between position and limit and must not change until the whole put is complete or has
     * failed. When this is called, the store holds less than {@link #MAX_HELD_BYTES} of former pieces. A failure fails the put.
     */
    CompletableFuture<List<ByteBuffer>> next();

    /** All pieces together, for stores that write objects whole. */
    static CompletableFuture<List<ByteBuffer>> collect(PieceSource source) {
        return collect(source, new ArrayList<>());
    }

    private static CompletableFuture<List<ByteBuffer>> collect(PieceSource source, List<ByteBuffer> sofar) {
        return source.next().thenCompose(piece -> {
            sofar.addAll(piece);
            return sizeBytes(piece) == 0 ? CompletableFuture.completedFuture(sofar) : collect(source, sofar);
        });
    }

    /** Sum of the buffers' bytes. */
    static long sizeBytes(List<ByteBuffer> piece) {
        long sum = 0;
        for (ByteBuffer buffer : piece) {
            sum += buffer.remaining();
        }
        return sum;
    }
}
