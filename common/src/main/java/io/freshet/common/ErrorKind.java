// SPDX-License-Identifier: Apache-2.0
package io.freshet.common;

/** What the caller of a failed operation must do. Every {@link FreshetException} has exactly one kind. */
public enum ErrorKind {
    /** A peer, store or device does not answer now. Retry later; nothing is known to be wrong with the data. */
    UNAVAILABLE(true),
    /** A budget is used up (memory, WAL space, request rate). Slow down, then retry. */
    THROTTLED(true),
    /** The caller's epoch or view is old. Stop, reload the state, and start over. */
    FENCED(false),
    /** The outcome is unknown: read back what happened before doing anything else. */
    INDETERMINATE(false),
    /** The named thing does not exist. Reload the view that named it; if the view still does, treat it as CORRUPT. */
    MISSING(false),
    /** The caller's mistake: the same call can never succeed. */
    INVALID(false),
    /** The caller, or this process, lacks a right. */
    DENIED(false),
    /** Bytes do not verify. Quarantine: keep the bytes, serve nothing from them, alert. */
    CORRUPT(false),
    /** A bug in this program. */
    INTERNAL(false);

    private final boolean retriable;

    ErrorKind(boolean retriable) {
        this.retriable = retriable;
    }

    /** Whether the same call may succeed later without any change by the caller. */
    public boolean isRetriable() {
        return retriable;
    }
}
