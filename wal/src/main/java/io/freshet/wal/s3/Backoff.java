// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Scheduler;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Repeats what failed after a growing, random delay; the store's own retries come before and are not counted here. Holds no
 * state. Results and repetitions run as tasks of the lane.
 */
final class Backoff {
    private static final long FIRST_DELAY_MS = 100;
    private static final long MAX_DELAY_MS = 5_000;

    private final SerialTasks tasks;
    private final Scheduler scheduler;
    private final Randomness randomness;

    Backoff(SerialTasks tasks, Scheduler scheduler, Randomness randomness) {
        this.tasks = tasks;
        this.scheduler = scheduler;
        this.randomness = randomness;
    }

    /** Runs {@code next} as a task after the delay that is due after {@code failures} (1 or more) failures. */
    Scheduler.Cancellable later(int failures, Runnable next) {
        return after(delayMs(failures), next);
    }

    /** A random delay that is due after {@code failures} (1 or more) failures. */
    long delayMs(int failures) {
        long bound = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS << Math.min(failures - 1, 20));
        return bound / 2 + randomness.nextLong(bound / 2 + 1);
    }

    Scheduler.Cancellable after(long delayMs, Runnable next) {
        return scheduler.schedule(delayMs, () -> tasks.execute(next));
    }

    /** The first success of {@code call}, or its last error after {@code maxTries}; only passing troubles are tried again. */
    <T> CompletableFuture<T> repeat(int maxTries, Supplier<CompletableFuture<T>> call) {
        CompletableFuture<T> result = new CompletableFuture<>();
        attempt(maxTries, 1, call, result);
        return result;
    }

    private <T> void attempt(
            int maxTries, int attempt, Supplier<CompletableFuture<T>> call, CompletableFuture<T> result) {
        start(call)
                .whenComplete((value, error) -> tasks.execute(() -> {
                    if (error == null) {
                        result.complete(value);
                        return;
                    }
                    FreshetException failure = FreshetException.of(error);
                    if (isPassing(failure.kind()) && attempt < maxTries) {
                        later(attempt, () -> attempt(maxTries, attempt + 1, call, result));
                    } else {
                        result.completeExceptionally(failure);
                    }
                }));
    }

    static boolean isPassing(ErrorKind kind) {
        return kind.isRetriable() || kind == ErrorKind.INDETERMINATE;
    }

    /** The future of {@code call}; an error that it throws at once becomes a failed future. */
    static <T> CompletableFuture<T> start(Supplier<CompletableFuture<T>> call) {
        try {
            return call.get();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(FreshetException.of(e));
        }
    }
}
