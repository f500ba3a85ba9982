// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.runtime;

import java.util.UUID;

/** Random numbers. Safe for use by many threads. */
public interface Randomness {
    /** Uniform over all longs. */
    long nextLong();

    /** Uniform over {@code [0, bound)}; {@code bound} is positive. */
    default long nextLong(long bound) {
        return Long.remainderUnsigned(nextLong(), bound);
    }

    /** Uniform over {@code [0, 1)}. */
    default double nextDouble() {
        return (nextLong() >>> 11) * 0x1.0p-53;
    }

    /** A random (version 4) UUID. */
    default UUID nextUuid() {
        long high = (nextLong() & ~0xF000L) | 0x4000L;
        long low = (nextLong() & 0x3FFF_FFFF_FFFF_FFFFL) | 0x8000_0000_0000_0000L;
        return new UUID(high, low);
    }

    /** The operating system's secure source: fit for nonces. */
    static Randomness secure() {
        java.security.SecureRandom random = new java.security.SecureRandom();
        return random::nextLong;
    }
}
