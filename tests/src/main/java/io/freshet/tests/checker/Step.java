// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

/**
 * One record that an operation sent or saw.
 *
 * @param isSend whether it was sent; else it was polled
 * @param key topic and partition
 * @param offset {@link #UNKNOWN} before the outcome of a send is known, and if it stays so
 * @param value unique among the sends to its key
 */
public record Step(boolean isSend, String key, long offset, long value) {
    /** No offset is known. */
    public static final long UNKNOWN = -1;

    public static Step send(String key, long offset, long value) {
        return new Step(true, key, offset, value);
    }

    /** A send that has not been answered, or not with an offset. */
    public static Step send(String key, long value) {
        return new Step(true, key, UNKNOWN, value);
    }

    public static Step poll(String key, long offset, long value) {
        return new Step(false, key, offset, value);
    }
}
