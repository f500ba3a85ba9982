// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.partition;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/** What a tool wants to know of the producers in a segment's trailer (layout: {@link ProducerSnapshots}). Pure functions. */
public final class ProducerStateBytes {
    private static final int VERSION = 1;
    private static final int AFTER_ID_BYTES = 2 + 4 + 8 + 8;
    private static final int BATCH_BYTES = 24;

    private ProducerStateBytes() {}

    /** The greatest producer id in {@code snapshot}; −1 if there is none. Fails with CORRUPT on bytes that nobody wrote. */
    public static long maxProducerId(byte[] snapshot) {
        long max = -1;
        if (snapshot.length == 0) {
            return max;
        }
        ByteBuffer in = ByteBuffer.wrap(snapshot);
        try {
            if (in.get() != VERSION) {
                throw corrupt(snapshot);
            }
            int count = in.getInt();
            for (int i = 0; i < count; i++) {
                max = Math.max(max, in.getLong());
                in.position(in.position() + AFTER_ID_BYTES);
                in.position(in.position() + in.get() * BATCH_BYTES);
            }
            return max;
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            throw corrupt(snapshot);
        }
    }

    private static FreshetException corrupt(byte[] snapshot) {
        return new FreshetException(
                ErrorKind.CORRUPT, "A producer snapshot of " + snapshot.length + " bytes cannot be read");
    }
}
