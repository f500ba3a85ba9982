// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.jspecify.annotations.Nullable;

/**
 * Reads what {@link CommandWriter} wrote. Every read checks that the bytes are there: damage is a FreshetException INVALID that
 * says what was read and where. One thread.
 */
final class CommandReader {
    private final String what;
    private final short version;
    private final ByteBuffer buffer;

    /** @param what names the bytes in errors */
    CommandReader(String what, short version, ByteBuffer buffer) {
        this.what = what;
        this.version = version;
        this.buffer = buffer.slice();
    }

    /** The command's version that is being read. */
    short version() {
        return version;
    }

    byte readByte() {
        return need(Byte.BYTES).get();
    }

    boolean readBoolean() {
        byte value = readByte();
        if (value != 0 && value != 1) {
            throw damaged("has " + value + " where 0 or 1 must be");
        }
        return value == 1;
    }

    short readShort() {
        return need(Short.BYTES).getShort();
    }

    int readInt() {
        return need(Integer.BYTES).getInt();
    }

    long readLong() {
        return need(Long.BYTES).getLong();
    }

    Uuid readUuid() {
        return new Uuid(readLong(), readLong());
    }

    @Nullable
    String readNullableString() {
        int length = readInt();
        if (length == -1) {
            return null;
        }
        need(length);
        byte[] utf8 = new byte[length];
        buffer.get(utf8);
        return new String(utf8, StandardCharsets.UTF_8);
    }

    String readString() {
        String value = readNullableString();
        if (value == null) {
            throw damaged("has no text where one must be");
        }
        return value;
    }

    /** An element has at least one byte, so that a damaged count cannot take much memory. */
    <T> List<T> readList(Function<CommandReader, T> element) {
        int count = readCount();
        List<T> values = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            values.add(element.apply(this));
        }
        return values;
    }

    <T> Set<T> readSet(Function<CommandReader, T> element) {
        return new LinkedHashSet<>(readList(element));
    }

    /** In the order of the bytes. */
    <K, V> Map<K, V> readMap(Function<CommandReader, K> key, Function<CommandReader, V> value) {
        int count = readCount();
        Map<K, V> values = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            values.put(key.apply(this), value.apply(this));
        }
        return values;
    }

    /** Reads {@code empty} from Kafka's own encoding at {@code messageVersion}. */
    <M extends Message> M readMessage(M empty, int messageVersion) {
        int length = readInt();
        need(length);
        ByteBufferAccessor bytes = new ByteBufferAccessor(buffer.slice(buffer.position(), length));
        empty.read(bytes, (short) messageVersion);
        if (bytes.remaining() > 0) {
            throw damaged("has " + bytes.remaining() + " bytes behind a Kafka message");
        }
        buffer.position(buffer.position() + length);
        return empty;
    }

    /** Everything must have been read. */
    void requireEnd() {
        if (buffer.hasRemaining()) {
            throw damaged("has " + buffer.remaining() + " bytes more than its version " + version + " knows");
        }
    }

    FreshetException damaged(String how) {
        return new FreshetException(
                ErrorKind.INVALID,
                "The encoding of " + what + " is damaged: it " + how + ", at byte " + buffer.position() + " of "
                        + buffer.limit());
    }

    private int readCount() {
        int count = readInt();
        if (count < 0 || count > buffer.remaining()) {
            throw damaged("announces " + count + " elements");
        }
        return count;
    }

    private ByteBuffer need(int bytes) {
        if (bytes < 0 || buffer.remaining() < bytes) {
            throw damaged("should have " + bytes + " more bytes");
        }
        return buffer;
    }
}
