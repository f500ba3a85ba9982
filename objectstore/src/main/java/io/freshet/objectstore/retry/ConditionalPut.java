// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.retry;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver;
import io.freshet.objectstore.driver.StoreDriver.Author;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One put-if-absent with its repetitions. Every try bears the same nonce, so whatever a lost answer left behind is
 * recognised: a refusal, or a failure at the end, is settled by asking the store whose nonce the object bears.
 *
 * <p>Tries follow one another, so the fields have one writer at a time; each hand-over goes through a future or the
 * scheduler, which orders them.
 */
final class ConditionalPut {
    private final StoreDriver driver;
    private final Retries retries;
    private final String key;
    private final Body body;
    private final String nonce;
    private final CompletableFuture<PutOutcome> result = new CompletableFuture<>();
    private final FailedTries failed = new FailedTries();
    private int attempts;
    private boolean mayHaveWritten;

    ConditionalPut(StoreDriver driver, Retries retries, String key, Body body, String nonce) {
        this.driver = driver;
        this.retries = retries;
        this.key = key;
        this.body = body;
        this.nonce = nonce;
    }

    CompletableFuture<PutOutcome> run() {
        attempt();
        return result;
    }

    private void attempt() {
        attempts++;
        Retries.start(() -> driver.create(key, body, nonce)).whenComplete((outcome, error) -> {
            if (error != null) {
                onFailure(FreshetException.of(error));
            } else if (outcome == PutOutcome.CREATED) {
                result.complete(PutOutcome.CREATED);
            } else {
                settle(null);
            }
        });
    }

    private void onFailure(FreshetException failure) {
        // By the driver's contract UNAVAILABLE leaves open whether the write took place; a bug promises nothing.
        mayHaveWritten |= failure.kind() == ErrorKind.UNAVAILABLE || failure.kind() == ErrorKind.INTERNAL;
        failed.add(failure);
        if (retries.mayRetry(failure, failed)) {
            retries.later("create", failed, this::attempt);
        } else if (mayHaveWritten) {
            settle(failure);
        } else {
            result.completeExceptionally(failed.sum(failure));
        }
    }

    /** Finds out whose the object is; {@code failure} is the last try's error, null if the store refused. */
    private void settle(@Nullable FreshetException failure) {
        retries.run("settle", () -> driver.authorOf(key, nonce)).whenComplete((author, error) -> {
            if (error == null && author == Author.SAME_NONCE) {
                result.complete(PutOutcome.CREATED);
            } else if (error == null && author == Author.OTHER_NONCE) {
                result.complete(PutOutcome.ALREADY_EXISTS);
            } else if (failure == null && !mayHaveWritten) {
                result.complete(PutOutcome.ALREADY_EXISTS);
            } else {
                result.completeExceptionally(indeterminate(author, error == null ? failure : error));
            }
        });
    }

    private FreshetException indeterminate(@Nullable Author author, @Nullable Throwable cause) {
        String found = author == null
                ? "the object could not be looked at"
                : switch (author) {
                    case NO_OBJECT -> "there is no object yet, but a late write may still land";
                    case UNSIGNED -> "the object bears no nonce: foreign, or the store drops metadata";
                    default -> "the object bears nonce " + author;
                };
        return new FreshetException(
                ErrorKind.INDETERMINATE,
                "Outcome of put-if-absent of '" + key + "' (" + body.sizeBytes() + " bytes, " + attempts
                        + " attempts) in " + driver.describe() + " is unknown: " + found
                        + "; read the object back before going on",
                cause);
    }
}
