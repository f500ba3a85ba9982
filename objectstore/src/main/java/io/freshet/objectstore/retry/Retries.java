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
        attempt(op, request, new FailedTries(), result);
        return result;
    }

    private <T> void attempt(
            String op, Supplier<CompletableFuture<T>> request, FailedTries failed, CompletableFuture<T> result) {
        start(request).whenComplete((value, error) -> {
            if (error == null) {
                result.complete(value);
                return;
            }
            FreshetException failure = FreshetException.of(error);
            failed.add(failure);
            if (mayRetry(failure, failed)) {
                later(op, failed, () -> attempt(op, request, failed, result));
            } else {
                result.completeExceptionally(failed.sum(failure));
            }
        });
    }

    boolean mayRetry(FreshetException failure, FailedTries failed) {
        return failure.kind().isRetriable() && failed.count() < policy.maxAttempts();
    }

    /** Runs {@code next} after the delay that is due after the failed tries. */
    void later(String op, FailedTries failed, Runnable next) {
        meter.countRetry(op);
        scheduler.schedule(policy.delayMs(failed.count(), randomness), next);
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
