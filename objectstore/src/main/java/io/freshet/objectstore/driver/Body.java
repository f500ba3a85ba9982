// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.driver;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The bytes of one object as views of the caller's buffers; nothing is copied. Every accessor gives fresh views, so a
 * body can be sent again and its parts can be sent side by side.
 */
public final class Body {
    private final List<ByteBuffer> views;
    private final long sizeBytes;

    private Body(List<ByteBuffer> views, long sizeBytes) {
        this.views = views;
        this.sizeBytes = sizeBytes;
    }

    /** The bytes between position and limit of each buffer, in order; empty buffers are left out. */
    public static Body of(List<ByteBuffer> buffers) {
        List<ByteBuffer> views = new ArrayList<>(buffers.size());
        long size = 0;
        for (ByteBuffer buffer : buffers) {
            if (buffer.hasRemaining()) {
                views.add(buffer.slice());
                size += buffer.remaining();
            }
        }
        return new Body(views, size);
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    /** Fresh views, none longer than {@code maxViewBytes}. */
    public List<ByteBuffer> views(int maxViewBytes) {
        List<ByteBuffer> out = new ArrayList<>(views.size());
        for (ByteBuffer view : views) {
            for (int from = 0; from < view.limit(); from += maxViewBytes) {
                out.add(view.slice(from, Math.min(maxViewBytes, view.limit() - from)));
            }
        }
        return out;
    }

    /** {@code lengthBytes} bytes from {@code position}, which must lie inside. */
    public Body part(long position, long lengthBytes) {
        if (position < 0 || lengthBytes < 0 || position + lengthBytes > sizeBytes) {
            throw new IndexOutOfBoundsException(
                    "Part " + position + "+" + lengthBytes + " is outside a body of " + sizeBytes + " bytes");
        }
        List<ByteBuffer> out = new ArrayList<>();
        long skip = position;
        long left = lengthBytes;
        for (ByteBuffer view : views) {
            if (left == 0) {
                break;
            }
            if (skip >= view.limit()) {
                skip -= view.limit();
                continue;
            }
            int from = (int) skip;
            int take = (int) Math.min(left, view.limit() - from);
            out.add(view.slice(from, take));
            skip = 0;
            left -= take;
        }
        return new Body(out, lengthBytes);
    }

    /** CRC32C over all bytes, big-endian in base64: the form of S3's checksum headers. */
    public String crc32cBase64() {
        CRC32C crc = new CRC32C();
        for (ByteBuffer view : views) {
            crc.update(view.duplicate());
        }
        byte[] bytes =
                ByteBuffer.allocate(Integer.BYTES).putInt((int) crc.getValue()).array();
        return Base64.getEncoder().encodeToString(bytes);
    }

    /** A copy of all bytes, for stores that keep them in memory. */
    public byte[] toArray() {
        ByteBuffer copy = ByteBuffer.allocate(Math.toIntExact(sizeBytes));
        for (ByteBuffer view : views) {
            copy.put(view.duplicate());
        }
        return copy.array();
    }
}
