// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;

/** Makes bytes that count their references and are overwritten when freed, and knows how many are still held. */
public final class ByteLedger {
    private final AtomicInteger live = new AtomicInteger();

    /** Bytes with one reference, which the caller owns. */
    public SharedBytes counted(ByteBuffer bytes) {
        live.incrementAndGet();
        return new Counted(bytes.slice());
    }

    /** How many of the bytes made here still have a reference. */
    public int live() {
        return live.get();
    }

    /** Forgets what a crashed process held. */
    public void reset() {
        live.set(0);
    }

    private final class Counted implements SharedBytes {
        private final ByteBuffer bytes;
        private final AtomicInteger references = new AtomicInteger(1);

        Counted(ByteBuffer bytes) {
            this.bytes = bytes;
        }

        @Override
        public ByteBuffer view() {
            if (references.get() <= 0) {
                throw new IllegalStateException("View of released bytes");
            }
            return bytes.duplicate();
        }

        @Override
        public int sizeBytes() {
            return bytes.remaining();
        }

        @Override
        public SharedBytes retain() {
            if (references.getAndIncrement() <= 0) {
                throw new IllegalStateException("Retain of released bytes");
            }
            return this;
        }

        @Override
        public void release() {
            int left = references.decrementAndGet();
            if (left < 0) {
                throw new IllegalStateException("Released once too often");
            }
            if (left == 0) {
                live.decrementAndGet();
                for (int i = bytes.position(); i < bytes.limit(); i++) {
                    bytes.put(i, (byte) 0xDD);
                }
            }
        }
    }
}
