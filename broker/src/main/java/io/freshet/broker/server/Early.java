// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Threads;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A part that is opened on a thread of its own while others start. Whoever takes it closes it; if nobody did, {@link
 * #close} does. Made, taken and closed by the thread that starts the server.
 */
final class Early<T extends AutoCloseable> implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Early.class);

    private final CompletableFuture<T> opening = new CompletableFuture<>();
    private boolean taken;

    private Early() {}

    /** Starts {@code opening} on a thread called {@code name}. */
    static <T extends AutoCloseable> Early<T> start(String name, Supplier<T> opening) {
        Early<T> early = new Early<>();
        Threads.newThread(name, () -> early.run(opening)).start();
        return early;
    }

    private void run(Supplier<T> supplier) {
        try {
            opening.complete(supplier.get());
        } catch (RuntimeException | Error e) {
            opening.completeExceptionally(e);
        }
    }

    /** Waits for the part; fails as its opening failed. */
    T take() {
        try {
            T part = opening.join();
            taken = true;
            return part;
        } catch (CompletionException e) {
            throw FreshetException.of(e);
        }
    }

    @Override
    public void close() {
        if (taken) {
            return;
        }
        T part;
        try {
            part = opening.join();
        } catch (CompletionException e) {
            LOG.debug("Nothing to close: the opening failed", e);
            return;
        }
        try {
            part.close();
        } catch (Exception e) {
            throw FreshetException.of(e);
        }
    }
}
