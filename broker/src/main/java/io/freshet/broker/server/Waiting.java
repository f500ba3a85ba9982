// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Waits for futures while the server starts or stops, and on threads of background work that have nothing else to do. */
final class Waiting {
    private static final Logger LOG = LoggerFactory.getLogger(Waiting.class);

    private Waiting() {}

    /** Returns when {@code future} is done, or {@code timeout} is over. */
    static void forAMoment(Duration timeout, CompletableFuture<?> future) {
        try {
            future.handle((value, error) -> value).get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            return; // the caller looks
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FreshetException(ErrorKind.UNAVAILABLE, "Interrupted while waiting", e);
        }
    }

    /** The result of {@code future}; UNAVAILABLE naming {@code what} if it takes longer than {@code timeout}. */
    static <T> T on(String what, Duration timeout, CompletableFuture<T> future) {
        try {
            return future.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw FreshetException.of(e);
        } catch (TimeoutException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    what + " did not end within " + timeout.toSeconds()
                            + " s; look for an unreachable store or an overloaded machine in the log above",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FreshetException(ErrorKind.UNAVAILABLE, "Interrupted while waiting for " + what, e);
        }
    }

    /** The result of one of {@code tries} attempts: after UNAVAILABLE and INDETERMINATE it is made again. */
    static <T> T onTries(String what, int tries, Duration timeout, Supplier<CompletableFuture<T>> attempt) {
        for (int i = 1; ; i++) {
            try {
                return on(what, timeout, attempt.get());
            } catch (FreshetException e) {
                boolean isLasting = e.kind() != ErrorKind.UNAVAILABLE && e.kind() != ErrorKind.INDETERMINATE;
                if (isLasting || i >= tries || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
                LOG.warn("{} is tried again: {}", what, e.getMessage());
            }
        }
    }
}
