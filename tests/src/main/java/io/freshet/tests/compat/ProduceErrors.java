// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.compat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.internals.Crc32C;
import org.jspecify.annotations.Nullable;

/** Produce requests that must fail in a certain way. */
final class ProduceErrors {
    private static final Uuid UNKNOWN_ID = new Uuid(12, 34);

    private final ErrorCells cells;

    ProduceErrors(ErrorCells cells) {
        this.cells = cells;
    }

    private static MemoryRecords records(int count) {
        SimpleRecord[] records = new SimpleRecord[count];
        for (int i = 0; i < count; i++) {
            records[i] = new SimpleRecord(System.currentTimeMillis(), new byte[] {(byte) i}, new byte[10]);
        }
        return MemoryRecords.withRecords(Compression.NONE, records);
    }

    private static MemoryRecords changed(Consumer<ByteBuffer> change, boolean rightCrc) {
        ByteBuffer bytes = records(2).buffer();
        change.accept(bytes);
        if (rightCrc) {
            bytes.putInt(17, (int) Crc32C.compute(bytes, 21, bytes.limit() - 21));
        }
        return MemoryRecords.readableRecords(bytes);
    }

    private void produce(String name, String topic, int partition, int acks, @Nullable MemoryRecords records)
            throws IOException {
        ProduceRequestData data = new ProduceRequestData().setAcks((short) acks).setTimeoutMs(5000);
        data.topicData()
                .add(new ProduceRequestData.TopicProduceData()
                        .setName(topic)
                        .setPartitionData(List.of(new ProduceRequestData.PartitionProduceData()
                                .setIndex(partition)
                                .setRecords(records))));
        cells.cell("produce " + name, ApiKeys.PRODUCE, 9, data);
    }

    /** All of them. */
    void run() throws IOException {
        produce("ten records", "t", 0, -1, records(10));
        produce("ten more, acks=1", "t", 0, 1, records(10));
        produce("unknown topic", "nope", 0, -1, records(1));
        produce("bad name", "no/pe", 0, -1, records(1));
        produce("unknown partition", "t", 9, -1, records(1));
        produce("negative partition", "t", -1, -1, records(1));
        produce("acks=2", "t", 0, 2, records(1));
        produce("acks=2 to an unknown topic", "nope", 0, 2, records(1));
        produce("acks=0 to an unknown topic", "nope", 0, 0, records(1));
        produce("internal topic", "__consumer_offsets", 0, -1, records(1));
        produce("no records", "t", 0, -1, MemoryRecords.EMPTY);
        produce("null records", "t", 0, -1, null);
        produce("wrong crc", "t", 0, -1, changed(b -> b.putInt(17, 1), false));
        produce("magic 0", "t", 0, -1, changed(b -> b.put(16, (byte) 0), true));
        produce("magic 1", "t", 0, -1, changed(b -> b.put(16, (byte) 1), true));
        produce("magic 3", "t", 0, -1, changed(b -> b.put(16, (byte) 3), true));
        produce("count 3 of 2", "t", 0, -1, changed(b -> b.putInt(57, 3), true));
        produce(
                "count and delta 3 of 2",
                "t",
                0,
                -1,
                changed(b -> b.putInt(57, 3).putInt(23, 2), true));
        produce("count 0", "t", 0, -1, changed(b -> b.putInt(57, 0).putInt(23, -1), true));
        produce("delta lies", "t", 0, -1, changed(b -> b.putInt(23, 7), true));
        produce("negative delta", "t", 0, -1, changed(b -> b.putInt(23, -2), true));
        produce("control batch", "t", 0, -1, changed(b -> b.putShort(21, (short) 0x20), true));
        produce("transactional without id", "t", 0, -1, changed(b -> b.putShort(21, (short) 0x10), true));
        produce("codec 7", "t", 0, -1, changed(b -> b.putShort(21, (short) 7), true));
        produce("gzip that is none", "t", 0, -1, changed(b -> b.putShort(21, (short) 1), true));
        produce("base offset 5", "t", 0, -1, changed(b -> b.putLong(0, 5), true));
        produce("length too long", "t", 0, -1, changed(b -> b.putInt(8, b.getInt(8) + 10), false));
        produce("length too short", "t", 0, -1, changed(b -> b.putInt(8, b.getInt(8) - 3), false));
        produce("producer id without sequence", "t", 0, -1, changed(b -> b.putLong(43, 5), true));
        produce(
                "producer id without epoch",
                "t",
                0,
                -1,
                changed(b -> b.putLong(43, 55).putInt(53, 0), true));
        produce(
                "first sequence 5",
                "t",
                0,
                -1,
                changed(b -> b.putLong(43, 77).putShort(51, (short) 0).putInt(53, 5), true));
        produce(
                "null key",
                "compacted",
                0,
                -1,
                MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(new byte[1])));
        produce(
                "too large",
                "bounded",
                0,
                -1,
                MemoryRecords.withRecords(
                        Compression.NONE, new SimpleRecord(System.currentTimeMillis(), new byte[600])));
        produce(
                "too old",
                "bounded",
                0,
                -1,
                MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(5L, new byte[1])));
        MemoryRecords one = records(1);
        ByteBuffer twice = ByteBuffer.allocate(2 * one.sizeInBytes());
        twice.put(one.buffer()).put(one.buffer()).flip();
        produce("two batches", "t", 0, -1, MemoryRecords.readableRecords(twice));
        ByteBuffer tail = ByteBuffer.allocate(one.sizeInBytes() + 5);
        tail.put(one.buffer()).put(new byte[5]).flip();
        produce("junk after the batch", "t", 1, -1, MemoryRecords.readableRecords(tail));
        ProduceRequestData byId = new ProduceRequestData().setAcks((short) -1).setTimeoutMs(5000);
        byId.topicData()
                .add(new ProduceRequestData.TopicProduceData()
                        .setTopicId(UNKNOWN_ID)
                        .setPartitionData(
                                List.of(new ProduceRequestData.PartitionProduceData().setRecords(records(1)))));
        cells.cell("produce unknown id", ApiKeys.PRODUCE, 13, byId);
    }
}
