// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.badinput;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.internals.ByteUtils;

/**
 * Writes requests of any API and version from the protocol's own schemas, with small plausible values, and lies at one
 * chosen place: a length, a count, a number, a tag.
 */
final class RequestGenerator {
    private static final int NO_LIE = -1;
    private static final int[] LIES = {
        Integer.MAX_VALUE, Integer.MIN_VALUE, -1, -2, 0, 1, 127, 128, 255, 32767, 65536, 1 << 24, Integer.MAX_VALUE - 8
    };

    private final Random random;
    private final List<Uuid> topicIds;
    private ByteBuffer out = ByteBuffer.allocate(1 << 20);
    private int place;
    private int liePlace;
    private boolean deletes;

    RequestGenerator(long seed, List<Uuid> topicIds) {
        this.random = new Random(seed);
        this.topicIds = topicIds;
    }

    /** A request's frame without its length prefix. */
    ByteBuffer request(ApiKeys api, short version, int correlationId, boolean lies) {
        long bodySeed = random.nextLong();
        liePlace = NO_LIE;
        ByteBuffer valid = write(api, version, correlationId, bodySeed);
        if (!lies) {
            return valid;
        }
        int kind = random.nextInt(10);
        if (kind < 6 && place > 0) {
            liePlace = random.nextInt(place);
            return write(api, version, correlationId, bodySeed);
        }
        return kind < 8 ? flipped(valid) : resized(valid);
    }

    private ByteBuffer flipped(ByteBuffer frame) {
        for (int i = 1 + random.nextInt(4); i > 0 && frame.limit() > 10; i--) {
            int at = 10 + random.nextInt(frame.limit() - 10);
            frame.put(at, (byte) random.nextInt(256));
        }
        return frame;
    }

    private ByteBuffer resized(ByteBuffer frame) {
        if (random.nextBoolean()) {
            return frame.slice(0, Math.min(frame.limit(), 10 + random.nextInt(frame.limit())));
        }
        byte[] tail = new byte[1 + random.nextInt(20)];
        random.nextBytes(tail);
        return ByteBuffer.allocate(frame.limit() + tail.length)
                .put(frame)
                .put(tail)
                .flip();
    }

    private ByteBuffer write(ApiKeys api, short version, int correlationId, long bodySeed) {
        out.clear();
        place = 0;
        deletes = api == ApiKeys.DELETE_TOPICS;
        out.putShort(api.id).putShort(version).putInt(correlationId);
        byte[] client = "fuzz".getBytes(StandardCharsets.UTF_8);
        out.putShort((short) client.length).put(client);
        if (api.requestHeaderVersion(version) >= 2) {
            ByteUtils.writeUnsignedVarint(0, out);
        }
        write(api.messageType.requestSchemas()[version], "", new Random(bodySeed));
        ByteBuffer copy = ByteBuffer.allocate(out.position());
        return copy.put(out.flip()).flip();
    }

    private boolean liesHere() {
        return place++ == liePlace;
    }

    private void write(Type type, String name, Random values) {
        if (type instanceof Schema schema) {
            for (BoundField field : schema.fields()) {
                write(field.def.type, field.def.name.toLowerCase(Locale.ROOT), values);
            }
        } else if (type instanceof TaggedFields tagged) {
            writeTagged(tagged, values);
        } else if (type.isArray()) {
            writeArray(type, name, values);
        } else {
            writePlain(type, name, values);
        }
    }

    private void writeArray(Type type, String name, Random values) {
        boolean compact = type.toString().startsWith("COMPACT")
                || type.getClass().getSimpleName().startsWith("Compact");
        int count = type.isNullable() && values.nextInt(10) == 0 ? -1 : 1 + values.nextInt(2);
        writeLength(count, compact, 4);
        Type element = type.arrayElementType().orElseThrow();
        for (int i = 0; i < count; i++) {
            write(element, name, values);
        }
    }

    private void writeLength(int length, boolean compact, int bytes) {
        int value = length;
        if (liesHere()) {
            value = LIES[random.nextInt(LIES.length)];
        }
        if (compact) {
            ByteUtils.writeUnsignedVarint(value + 1, out);
        } else if (bytes == 4) {
            out.putInt(value);
        } else {
            out.putShort((short) value);
        }
    }

    private void writeTagged(TaggedFields tagged, Random values) {
        boolean lies = liesHere();
        if (lies) {
            writeLyingTags();
            return;
        }
        boolean all = !tagged.fields().isEmpty() && values.nextBoolean();
        ByteUtils.writeUnsignedVarint(all ? tagged.fields().size() : 0, out);
        if (!all) {
            return;
        }
        for (Map.Entry<Integer, Field> field : tagged.fields().entrySet()) {
            ByteUtils.writeUnsignedVarint(field.getKey(), out);
            ByteBuffer outer = out;
            out = ByteBuffer.allocate(1 << 16);
            write(field.getValue().type, field.getValue().name.toLowerCase(Locale.ROOT), values);
            ByteBuffer inner = out.flip();
            out = outer;
            ByteUtils.writeUnsignedVarint(inner.remaining() + (liesHere() ? random.nextInt(5) - 2 : 0), out);
            out.put(inner);
        }
    }

    private void writeLyingTags() {
        int kind = random.nextInt(4);
        if (kind == 0) {
            ByteUtils.writeUnsignedVarint(LIES[random.nextInt(LIES.length)], out);
            return;
        }
        ByteUtils.writeUnsignedVarint(2, out);
        for (int i = 0; i < 2; i++) {
            int tag = kind == 1 ? 0 : kind == 2 ? 500 - i : 300 + i;
            ByteUtils.writeUnsignedVarint(tag, out);
            ByteUtils.writeUnsignedVarint(kind == 3 && i == 1 ? Integer.MAX_VALUE : 3, out);
            out.put(new byte[] {1, 2, 3});
        }
    }

    private void writePlain(Type type, String name, Random values) {
        String kind = type.toString();
        boolean compact = kind.startsWith("COMPACT");
        switch (kind) {
            case "BOOLEAN" -> out.put((byte) (liesHere() ? random.nextInt() : values.nextInt(2)));
            case "INT8" -> out.put((byte) (liesHere() ? random.nextInt() : values.nextInt(3)));
            case "INT16", "UINT16" -> out.putShort((short) (liesHere() ? random.nextInt() : shortOf(name, values)));
            case "INT32", "UINT32" -> out.putInt(liesHere() ? LIES[random.nextInt(LIES.length)] : intOf(name, values));
            case "INT64" -> out.putLong(liesHere() ? lieLong() : values.nextInt(5) - 2);
            case "FLOAT64" -> out.putDouble(liesHere() ? Double.NaN : values.nextDouble());
            case "UUID" -> {
                Uuid id = deletes || values.nextInt(3) == 0
                        ? new Uuid(1, values.nextInt(3))
                        : topicIds.get(values.nextInt(topicIds.size()));
                out.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
            }
            default -> writeSized(type, kind, compact, name, values);
        }
    }

    private void writeSized(Type type, String kind, boolean compact, String name, Random values) {
        byte[] bytes;
        if (type.isNullable() && values.nextInt(8) == 0) {
            bytes = null;
        } else if (kind.contains("RECORDS")) {
            bytes = records(values);
        } else if (kind.contains("BYTES")) {
            bytes = new byte[values.nextInt(20)];
            values.nextBytes(bytes);
        } else if (kind.contains("STRING")) {
            bytes = string(name, values).getBytes(StandardCharsets.UTF_8);
        } else {
            throw new IllegalStateException("Unknown type " + kind + " of " + name);
        }
        writeLength(bytes == null ? -1 : bytes.length, compact, kind.contains("STRING") ? 2 : 4);
        if (bytes != null) {
            out.put(bytes);
        }
    }

    private byte[] records(Random values) {
        if (values.nextInt(6) == 0) {
            byte[] junk = new byte[values.nextInt(100)];
            values.nextBytes(junk);
            return junk;
        }
        Compression[] codecs = {
            Compression.NONE,
            Compression.gzip().build(),
            Compression.lz4().build(),
            Compression.zstd().build(),
            Compression.snappy().build()
        };
        ByteBuffer built = MemoryRecords.withRecords(
                        codecs[values.nextInt(codecs.length)],
                        new SimpleRecord(values.nextLong() >>> 24, "k".getBytes(StandardCharsets.UTF_8), new byte[50]))
                .buffer();
        byte[] bytes = new byte[built.remaining()];
        built.get(bytes);
        if (values.nextInt(4) == 0) {
            bytes[values.nextInt(bytes.length)] ^= (byte) (1 << values.nextInt(8));
        }
        return bytes;
    }

    private static int shortOf(String name, Random values) {
        return name.contains("acks") ? values.nextInt(4) - 2 : name.contains("replication") ? 1 : values.nextInt(3) - 1;
    }

    private static int intOf(String name, Random values) {
        if (name.contains("timeout") || name.contains("wait")) {
            return values.nextInt(50);
        }
        if (name.contains("bytes")) {
            return values.nextInt(100_000);
        }
        return values.nextInt(5) - 1;
    }

    private long lieLong() {
        return switch (random.nextInt(4)) {
            case 0 -> Long.MAX_VALUE;
            case 1 -> Long.MIN_VALUE;
            default -> random.nextLong();
        };
    }

    private String string(String name, Random values) {
        if (deletes) {
            return "gone-" + values.nextInt(3);
        }
        if (values.nextInt(12) == 0) {
            String[] odd = {
                "", ".", "..", "a/b", "\u0000", "ü", "x".repeat(250), "x".repeat(30_000), "__consumer_offsets"
            };
            return odd[values.nextInt(odd.length)];
        }
        if (name.contains("topic") || name.equals("name")) {
            return "fuzz-" + values.nextInt(4);
        }
        return name + values.nextInt(3);
    }
}
