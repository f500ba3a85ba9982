// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.upload;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Repeats idempotent operations until they succeed, with growing pauses. Safe for use by many threads. */
final class Retries {
    private static final Logger LOG = LoggerFactory.getLogger(Retries.class);
    private static final long FIRST_PAUSE_MS = 100;
    private static final long MAX_PAUSE_MS = 5_000;

    private final Scheduler scheduler;
    private final BooleanSupplier isStopped;

    Retries(Scheduler scheduler, BooleanSupplier isStopped) {
        this.scheduler = scheduler;
        this.isStopped = isStopped;
    }

    /**
     * Completes with the first success. Fails only with an error that {@code isFinal}, or with UNAVAILABLE after the stop.
     *
     * @param what for the log: what is attempted, in a few words
     */
    <T> CompletableFuture<T> untilDone(
            String what, Predicate<FreshetException> isFinal, Supplier<CompletableFuture<T>> attempt) {
        CompletableFuture<T> done = new CompletableFuture<>();
        run(new Attempt<>(what, isFinal, attempt, done), FIRST_PAUSE_MS);
        return done;
    }

    private record Attempt<T>(
            String what,
            Predicate<FreshetException> isFinal,
            Supplier<CompletableFuture<T>> call,
            CompletableFuture<T> done) {}

    private <T> void run(Attempt<T> attempt, long pauseMs) {
        if (isStopped.getAsBoolean()) {
            attempt.done()
                    .completeExceptionally(new FreshetException(
                            ErrorKind.UNAVAILABLE,
                            "Storage was closed before it could " + attempt.what() + "; the data is in the WAL"));
            return;
        }
        called(attempt).whenComplete((value, error) -> {
            if (error == null) {
                attempt.done().complete(value);
                return;
            }
            FreshetException cause = FreshetException.of(error);
            if (attempt.isFinal().test(cause)) {
                attempt.done().completeExceptionally(cause);
                return;
            }
            LOG.warn(
                    "Could not {} ({}: {}); trying again in {} ms",
                    attempt.what(),
                    cause.kind(),
                    cause.getMessage(),
                    pauseMs);
            scheduler.schedule(pauseMs, () -> run(attempt, Math.min(MAX_PAUSE_MS, pauseMs * 2)));
        });
    }

    private static <T> CompletableFuture<T> called(Attempt<T> attempt) {
        try {
            return attempt.call().get();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }
}
