// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.driver;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.PieceSource;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * What a kind of store must be able to do: each call is one try. Arguments were checked by the caller ({@link
 * io.freshet.objectstore.retry.RetryingObjectStore}), which also retries and settles lost answers. Safe for use by many
 * threads. Futures fail with a FreshetException; UNAVAILABLE means that the call may or may not have taken effect,
 * every other kind that it has not.
 */
public interface StoreDriver extends AutoCloseable {
    /** Writes the object whole, signed with {@code nonce}; durable when complete. */
    CompletableFuture<Void> put(String key, Body body, String nonce);

    /** Whether {@link #putPieces} is a way of its own to write an object without having all of it in memory. */
    default boolean streamsPieces() {
        return false;
    }

    /**
     * Writes the object from its pieces, signed with {@code nonce}; durable when complete. Called only if {@link
     * #streamsPieces}. Retries what it can by itself, because the source gives each piece once.
     */
    default CompletableFuture<Void> putPieces(String key, PieceSource source, String nonce) {
        return CompletableFuture.failedFuture(new FreshetException(
                ErrorKind.INTERNAL, describe() + " takes no pieces; collect them and put the object whole"));
    }

    /** Whether {@link #put} of so many bytes retries its own requests, so that the caller must not repeat it. */
    default boolean retriesPut(long sizeBytes) {
        return false;
    }

    /** Writes the object, signed with {@code nonce}, only if the key does not exist; durable when complete. */
    CompletableFuture<PutOutcome> create(String key, Body body, String nonce);

    /** Who signed the object under {@code key}. */
    CompletableFuture<Author> authorOf(String key, String nonce);

    /**
     * Fills {@code target} from its position to its limit with bytes from {@code position} on, and touches it no more
     * once the future is complete. CORRUPT if the object is shorter; UNAVAILABLE if the answer broke off.
     */
    CompletableFuture<Void> read(String key, long position, ByteBuffer target);

    /** As {@link io.freshet.objectstore.ObjectStore#stat}. */
    CompletableFuture<Optional<ObjectStat>> stat(String key);

    /** As {@link io.freshet.objectstore.ObjectStore#list}. */
    CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys);

    /** Deletes at most 1000 distinct keys; completes with those that are left, and why. */
    CompletableFuture<DeleteOutcome> delete(Collection<String> keys);

    /** Address of the store without secrets. */
    String describe();

    @Override
    void close();

    /** Who wrote an object, judged by the nonce that it bears. */
    enum Author {
        /** The object bears the nonce asked for. */
        SAME_NONCE,
        /** The object bears another nonce. */
        OTHER_NONCE,
        /** The object bears none: foreign, or the store does not keep metadata. */
        UNSIGNED,
        /** There is no object. */
        NO_OBJECT
    }

    /** The objects {@code limit} asks for at most, and whether more were found. */
    static ListPage page(List<ObjectStat> found, int limit) {
        return found.size() > limit ? new ListPage(found.subList(0, limit), true) : new ListPage(found, false);
    }
}
