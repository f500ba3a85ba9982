// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal;

import io.freshet.common.FreshetException;
import java.nio.ByteBuffer;

/**
 * One append on its way into a WAL. The caller's own object is the queue node, so an append allocates nothing more.
 * The payload and the values must not change until {@link #onDurable} or {@link #onFailed} was called, which happens
 * exactly once. Both run on the lane's thread, in LSN order, and must neither block nor throw.
 */
public interface WalEntry {
    long streamId();

    /** The ownership under which this was appended. */
    int leaderEpoch();

    /** First record offset, inclusive. */
    long baseOffset();

    /** Last record offset, exclusive. */
    long endOffset();

    /** A view of the payload (whole record batches), position to limit. Called on the lane's thread. */
    ByteBuffer payload();

    int payloadSizeBytes();

    /**
     * Keeps the payload unchanged and readable beyond {@link #onDurable} or {@link #onFailed}, until {@link #releasePayload}
     * is called as often. A lane asks for it, before it completes the entry, while a request that still reads the payload
     * cannot be called back. Payloads that are only garbage-collected need not do anything.
     */
    default void retainPayload() {}

    /** Gives one {@link #retainPayload} back; on any thread. */
    default void releasePayload() {}

    /** The record is durable at {@code lsn}; all records before it are durable too. */
    void onDurable(long lsn);

    /** The record is not, and will not become, acknowledged; neither will any later one of this lane until it is reopened. */
    void onFailed(FreshetException cause);
}
