// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.fault;

/**
 * What goes wrong with one request.
 *
 * @param effect what happens to it
 * @param delayMs how long it is held back before that
 */
public record Fault(Effect effect, long delayMs) {
    /** Nothing goes wrong. */
    public static final Fault NONE = new Fault(Effect.NONE, 0);

    public static Fault of(Effect effect) {
        return new Fault(effect, 0);
    }

    /** Kinds of trouble. */
    public enum Effect {
        /** The request goes through. */
        NONE,
        /** The request never reaches the store: UNAVAILABLE, nothing happened. */
        LOST_REQUEST,
        /** The request takes effect, but its answer never comes: UNAVAILABLE. */
        LOST_ANSWER,
        /** The store answers 503 slow-down: THROTTLED, nothing happened. */
        SLOW_DOWN,
        /** A read stops half-way with UNAVAILABLE; other requests: as LOST_ANSWER. */
        TRUNCATED,
        /** A read succeeds with one bit changed; other requests go through. */
        BIT_FLIP
    }

    /** The operations of a store, as a policy sees them. */
    public enum Op {
        PUT,
        CREATE,
        SETTLE,
        READ,
        STAT,
        LIST,
        DELETE
    }
}
