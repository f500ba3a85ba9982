// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Objects under string keys, strongly consistent: a read, stat or list that begins after a put or delete completed sees
 * it. Safe for use by many threads. Futures fail with a {@link io.freshet.common.FreshetException} whose kind is
 * UNAVAILABLE (gave up after retries), THROTTLED (503 slow-down), DENIED, INVALID, MISSING (no such object or bucket),
 * INDETERMINATE (a conditional put whose outcome could not be found out) or CORRUPT (short or damaged answer). They may
 * complete on any thread: continuations must not block.
 *
 * <p>Keys are 1 to 900 bytes of {@code [A-Za-z0-9._/-]}, never begin or end with '/', hold no empty, "." or ".." part.
 * The buffers of a body are read between position and limit and left untouched; they must not change until the future
 * completes.
 */
public interface ObjectStore extends AutoCloseable {
    /** Writes the object whole, replacing any older one; durable when complete. Large bodies go up in parts. */
    CompletableFuture<Void> put(String key, List<ByteBuffer> body);

    /**
     * As {@link #put}, of bytes that need not be in memory at the same time. Nothing is under the key, or the older object
     * is, until all pieces are written. What failed leaves no object, at worst parts that the store's own rule removes; the
     * caller starts over with a new source.
     */
    default CompletableFuture<Void> putPieces(String key, PieceSource source) {
        return PieceSource.collect(source).thenCompose(body -> put(key, body));
    }

    /**
     * Writes the object only if the key does not exist; durable when complete. Of many racing writers exactly one gets
     * CREATED. A lost answer is settled inside by reading the object back (its nonce), so that ALREADY_EXISTS always
     * means somebody else's object.
     */
    CompletableFuture<PutOutcome> putIfAbsent(String key, List<ByteBuffer> body);

    /**
     * Fills {@code target} from its position to its limit with the object's bytes from {@code position} on. The
     * target's position is left at its limit. Fails with CORRUPT if the object is shorter. The target must not be touched
     * until the future completes, also after a cancel.
     */
    CompletableFuture<Void> read(String key, long position, ByteBuffer target);

    /** Size of the object; empty if there is none. */
    CompletableFuture<Optional<ObjectStat>> stat(String key);

    /**
     * Up to {@code maxKeys} (1 to 1000) objects whose key begins with {@code prefix} and is greater than
     * {@code startAfter} (empty for the beginning), in ascending UTF-8 order. The last page has {@code hasMore} false.
     */
    CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys);

    /**
     * Deletes objects, in batches of at most 1000 keys a request; keys that do not exist count as deleted. Completes
     * with the keys that could not be deleted, each with its reason (empty map: all gone).
     */
    CompletableFuture<DeleteOutcome> delete(Collection<String> keys);

    /** {@code scheme://…} of this store for logs, without secrets. */
    String describe();

    @Override
    void close();

    /** Whether a conditional put wrote its object. */
    enum PutOutcome {
        CREATED,
        ALREADY_EXISTS
    }

    /** One object's size and the store's wall-clock time of its last write. */
    record ObjectStat(String key, long sizeBytes, long modifiedAtMs) {}

    /** One page of a listing. */
    record ListPage(List<ObjectStat> objects, boolean hasMore) {
        public ListPage {
            objects = List.copyOf(objects);
        }
    }

    /** What a delete could not remove: key to reason. */
    record DeleteOutcome(java.util.Map<String, String> failed) {
        public DeleteOutcome {
            failed = java.util.Map.copyOf(failed);
        }
    }
}
