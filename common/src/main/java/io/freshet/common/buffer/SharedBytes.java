// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.buffer;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Bytes with a reference count. Whoever is handed one keeps the giver's reference untouched unless the parameter is
 * named {@code owned…}; whoever wants to keep it calls {@link #retain()} and later {@link #release()}. The bytes stay
 * unchanged while any reference is held. Safe for use by many threads.
 */
public interface SharedBytes {
    /** A fresh view whose position..limit are the bytes; valid only while a reference is held. */
    ByteBuffer view();

    int sizeBytes();

    /** Adds a reference and returns this. Throws IllegalStateException if all references are gone. */
    SharedBytes retain();

    /** Gives a reference back; the last one frees the memory. */
    void release();

    /** The larger memory that a reference on these bytes keeps from being freed; null if that is about their own size. */
    default @Nullable BackingMemory backing() {
        return null;
    }

    /** A part of these bytes, {@code lengthBytes} from {@code position}, holding its own reference on the whole. */
    default SharedBytes retainedSlice(int position, int lengthBytes) {
        return new SliceBytes(retain(), position, lengthBytes);
    }

    /** Bytes that the garbage collector frees, on the heap or not; retain and release do nothing. */
    static SharedBytes unpooled(ByteBuffer bytes) {
        return new UnpooledBytes(bytes.slice());
    }
}
