// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.buffer;

import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A part of other bytes; each of its references is a reference on the whole. */
final class SliceBytes implements SharedBytes {
    private final SharedBytes whole;
    private final int position;
    private final int lengthBytes;

    /** Takes over one reference on {@code ownedWhole}. */
    SliceBytes(SharedBytes ownedWhole, int position, int lengthBytes) {
        this.whole = ownedWhole;
        this.position = position;
        this.lengthBytes = lengthBytes;
        Objects.checkFromIndexSize(position, lengthBytes, ownedWhole.sizeBytes());
    }

    @Override
    public ByteBuffer view() {
        ByteBuffer view = whole.view();
        return view.slice(view.position() + position, lengthBytes);
    }

    @Override
    public int sizeBytes() {
        return lengthBytes;
    }

    @Override
    public @Nullable BackingMemory backing() {
        return whole.backing();
    }

    @Override
    public SharedBytes retain() {
        whole.retain();
        return this;
    }

    @Override
    public void release() {
        whole.release();
    }
}
