// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for futures while the server starts or stops; never used afterwards. */
final class Waiting {
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
}
