// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal;

import io.freshet.common.FreshetException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A broker's write-ahead log on one lane. Appends come from many threads; entries of one stream must be appended in
 * offset order by callers that exclude each other. LSNs only grow and are never reused.
 */
public interface WriteAheadLog extends AutoCloseable {
    /**
     * Hands an entry over; never blocks. When the log is full the entry waits for {@link #trim}: callers bound their own
     * bytes in flight. After {@link #close} or a device failure the entry fails (UNAVAILABLE).
     */
    void append(WalEntry entry);

    /** Somebody waits for what was handed over before this call: it need not wait for company. Never blocks. */
    default void hurry() {}

    /**
     * Everything below {@code lsn} is not needed any more and its space may be used again. Never moves backwards.
     * Completes when the new start is durable.
     */
    CompletableFuture<Void> trim(long lsn);

    /** First LSN that recovery would still return. */
    long startLsn();

    /** LSN after the last durable record. */
    long endLsn();

    /** Room for records, in bytes. */
    long capacityBytes();

    /** Bytes of {@link #capacityBytes} that no trim has freed yet. A lane whose LSNs do not count bytes says so itself. */
    default long usedBytes() {
        return Math.max(0, endLsn() - startLsn());
    }

    /**
     * Why the log takes no more entries, once it has failed for good; it stays so. A log that only waits for its store has
     * not failed.
     */
    default Optional<FreshetException> failure() {
        return Optional.empty();
    }

    /** Stops after the entries handed over so far are durable or failed. */
    @Override
    void close();

    /** Receives, in LSN order, each record that recovery found. The payload view is valid only during the call. */
    interface RecoveryVisitor {
        void record(
                long lsn, long streamId, int leaderEpoch, long baseOffset, long endOffset, java.nio.ByteBuffer payload);
    }
}
