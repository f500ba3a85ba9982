// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

/** The sizes of requests that share {@link RequestMemory}; each waits in its own line. */
enum RequestSize {
    /** Small enough to arrive as a whole before it asks for memory, so that it never holds memory for bytes to come. */
    WHOLE,
    /** Read into memory that was granted for it. */
    SMALL,
    /** So large that a few would use up everything. */
    LARGE;

    /** Requests up to this size are whole; of others as many bytes must have arrived before they ask for memory. */
    static final int WHOLE_BYTES = 32 << 10;

    /** Requests above this size are large. */
    static final int LARGE_BYTES = 2 << 20;

    static RequestSize of(int bytes) {
        return bytes <= WHOLE_BYTES ? WHOLE : bytes <= LARGE_BYTES ? SMALL : LARGE;
    }
}
