// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Node;

/** Carries commands to the {@link CommandService} of another node. Safe for use by many threads. */
public interface CommandChannel extends AutoCloseable {
    /**
     * Sends one command; several may be under way to one node at a time.
     *
     * @param command not changed, and not to be changed until the future completes
     * @param timeoutMs how long an answer may take
     * @return the answer; fails with UNAVAILABLE if {@code to} certainly never received the command, with INDETERMINATE if
     *     it may have. May complete on the channel's own thread: dependents must not block
     */
    CompletableFuture<ByteBuffer> send(Node to, ByteBuffer command, long timeoutMs);

    /** Ends what is under way. */
    @Override
    void close();
}
