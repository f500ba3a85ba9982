// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The bucket as the mirror needs it; keys are those of {@link MirrorKeys}. Futures may complete on any thread and fail with
 * a {@link io.freshet.common.FreshetException}. Safe for use by many threads.
 */
public interface MirrorStore {
    /**
     * Writes the object if its key does not exist; durable when complete. False if the key exists, be it by an earlier try
     * of the same caller whose answer was lost.
     */
    CompletableFuture<Boolean> create(String key, List<ByteBuffer> body);

    /** The whole object; fails with MISSING if there is none. */
    CompletableFuture<byte[]> read(String key);

    /** All keys that begin with {@code prefix}, ascending. */
    CompletableFuture<List<String>> list(String prefix);

    /** Deletes what exists of {@code keys}; failures are for the next caller to repair. */
    CompletableFuture<Void> delete(Collection<String> keys);

    /** Blocks until {@code future} is done; for the thread that starts a node, and for tools. {@code what} names it in errors. */
    <T> T await(String what, CompletableFuture<T> future);

    /** The store for messages, without secrets. */
    String describe();
}
