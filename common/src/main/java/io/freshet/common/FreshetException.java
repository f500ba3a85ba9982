// SPDX-License-Identifier: Apache-2.0
package io.freshet.common;

import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The one exception type. Its {@link #kind()} says what the caller must do; its message says what failed, with which
 * values, and what to do next.
 */
public final class FreshetException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorKind kind;

    public FreshetException(ErrorKind kind, String message) {
        this(kind, message, null);
    }

    public FreshetException(ErrorKind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public ErrorKind kind() {
        return kind;
    }

    /**
     * The FreshetException inside {@code error} after future wrappers are taken off; a task that a pool has refused becomes a
     * {@link ErrorKind#THROTTLED} one, anything else an {@link ErrorKind#INTERNAL} one.
     */
    public static FreshetException of(Throwable error) {
        Throwable cause = unwrap(error);
        if (cause instanceof FreshetException known) {
            return known;
        }
        if (cause instanceof RejectedExecutionException) {
            return new FreshetException(
                    ErrorKind.THROTTLED, "A thread pool is full, or stops, and takes no task; retry: " + cause, cause);
        }
        return new FreshetException(ErrorKind.INTERNAL, "Unexpected failure: " + cause, cause);
    }

    /** {@code error} without {@link CompletionException} and {@link ExecutionException} around it. */
    public static Throwable unwrap(Throwable error) {
        Throwable current = error;
        while ((current instanceof CompletionException || current instanceof ExecutionException)
                && current.getCause() != null) {
            current = current.getCause();
        }
        return current;
    }
}
