// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.stream;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Repeats what looked into the manifest and then found an object gone, because the segment was replaced in between: the next
 * look finds its successor. Holds no state.
 */
final class Reloading {
    /** More replacements of one segment than this within one operation are taken for an error. */
    static final int MAX_RELOADS = 3;

    private Reloading() {}

    /** {@code operation} looks into the manifest each time; the last MISSING is passed on. */
    static <T> CompletableFuture<T> whileMissing(Supplier<CompletableFuture<T>> operation) {
        return attempt(operation, 0);
    }

    private static <T> CompletableFuture<T> attempt(Supplier<CompletableFuture<T>> operation, int reloads) {
        return operation.get().exceptionallyCompose(error -> {
            FreshetException cause = FreshetException.of(error);
            return cause.kind() == ErrorKind.MISSING && reloads < MAX_RELOADS
                    ? attempt(operation, reloads + 1)
                    : CompletableFuture.failedFuture(cause);
        });
    }
}
