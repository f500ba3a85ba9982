// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;
import java.util.function.BiConsumer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageSizeAccumulator;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.jspecify.annotations.Nullable;

/** Bytes of one command or answer, growing. Big-endian, fixed width; strings and lists begin with an int. One thread. */
final class CommandWriter {
    private final short version;
    private ByteBuffer buffer = ByteBuffer.allocate(256);

    CommandWriter(short version) {
        this.version = version;
    }

    /** The command's version that is to be written. */
    short version() {
        return version;
    }

    void writeByte(int value) {
        room(Byte.BYTES).put((byte) value);
    }

    void writeBoolean(boolean value) {
        writeByte(value ? 1 : 0);
    }

    void writeShort(int value) {
        room(Short.BYTES).putShort((short) value);
    }

    void writeInt(int value) {
        room(Integer.BYTES).putInt(value);
    }

    void writeLong(long value) {
        room(Long.BYTES).putLong(value);
    }

    void writeUuid(Uuid value) {
        writeLong(value.getMostSignificantBits());
        writeLong(value.getLeastSignificantBits());
    }

    /** Length int (−1 for null), then UTF-8. */
    void writeString(@Nullable String value) {
        if (value == null) {
            writeInt(-1);
            return;
        }
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        writeInt(utf8.length);
        room(utf8.length).put(utf8);
    }

    /** Count int, then the elements. */
    <T> void writeList(Collection<T> values, BiConsumer<CommandWriter, T> element) {
        writeInt(values.size());
        values.forEach(value -> element.accept(this, value));
    }

    /** Count int, then key and value of each entry, in the map's order. */
    <K, V> void writeMap(Map<K, V> values, BiConsumer<CommandWriter, K> key, BiConsumer<CommandWriter, V> value) {
        writeList(values.entrySet(), (out, entry) -> {
            key.accept(out, entry.getKey());
            value.accept(out, entry.getValue());
        });
    }

    /** Length int, then Kafka's own encoding of {@code message} at {@code messageVersion}. */
    void writeMessage(Message message, int messageVersion) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        MessageSizeAccumulator size = new MessageSizeAccumulator();
        message.addSize(size, cache, (short) messageVersion);
        writeInt(size.totalSize());
        message.write(new ByteBufferAccessor(room(size.totalSize())), cache, (short) messageVersion);
    }

    int position() {
        return buffer.position();
    }

    void patchInt(int position, int value) {
        buffer.putInt(position, value);
    }

    /** What was written, as a view. */
    ByteBuffer written() {
        return buffer.duplicate().flip();
    }

    private ByteBuffer room(int bytes) {
        if (buffer.remaining() < bytes) {
            int needed = Math.addExact(buffer.position(), bytes);
            int doubled = (int) Math.min(Integer.MAX_VALUE - 8L, 2L * buffer.capacity());
            buffer = ByteBuffer.allocate(Math.max(needed, doubled)).put(buffer.flip());
        }
        return buffer;
    }
}
