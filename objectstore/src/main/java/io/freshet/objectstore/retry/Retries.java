// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.retry;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Scheduler;
import io.freshet.objectstore.metrics.RequestMeter;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Repeats requests that failed with a retriable kind, and only those. Holds no state; a call in progress lives in its
 * own object, whose tries follow one another. Safe for use by many threads; later tries run on the scheduler's thread.
 */
public final class Retries {
    private final RetryPolicy policy;
    private final Scheduler scheduler;
    private final Randomness randomness;
    private final RequestMeter meter;

    public Retries(RetryPolicy policy, Scheduler scheduler, Randomness randomness, RequestMeter meter) {
        this.policy = policy;
        this.scheduler = scheduler;
        this.randomness = randomness;
        this.meter = meter;
    }

    /** The result of the first try that succeeds, or the error of the last one. */
    public <T> CompletableFuture<T> run(String op, Supplier<CompletableFuture<T>> request) {
        CompletableFuture<T> result = new CompletableFuture<>();
        attempt(op, request, 1, result);
        return result;
    }

    private <T> void attempt(
            String op, Supplier<CompletableFuture<T>> request, int attempt, CompletableFuture<T> result) {
        start(request).whenComplete((value, error) -> {
            if (error == null) {
                result.complete(value);
                return;
            }
            FreshetException failure = FreshetException.of(error);
            if (mayRetry(failure, attempt)) {
                later(op, attempt, () -> attempt(op, request, attempt + 1, result));
            } else {
                result.completeExceptionally(afterAttempts(failure, attempt));
            }
        });
    }

    boolean mayRetry(FreshetException failure, int attempt) {
        return failure.kind().isRetriable() && attempt < policy.maxAttempts();
    }

    /** Runs {@code next} after the delay that is due after {@code failedAttempts} tries. */
    void later(String op, int failedAttempts, Runnable next) {
        meter.countRetry(op);
        scheduler.schedule(policy.delayMs(failedAttempts, randomness), next);
    }

    /** {@code failure} itself, or for a retried request one that says how often it was tried. */
    static FreshetException afterAttempts(FreshetException failure, int attempts) {
        if (attempts == 1) {
            return failure;
        }
        return new FreshetException(
                failure.kind(), failure.getMessage() + " (gave up after " + attempts + " attempts)", failure);
    }

    /** The future of {@code request}; an error that it throws at once becomes a failed future. */
    static <T> CompletableFuture<T> start(Supplier<CompletableFuture<T>> request) {
        try {
            return request.get();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(FreshetException.of(e));
        }
    }
}
