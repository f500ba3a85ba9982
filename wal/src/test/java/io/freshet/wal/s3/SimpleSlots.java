// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/** A plain slot format: header, records, CRC over everything. */
final class SimpleSlots implements SlotFormat {
    private static final int HEADER_BYTES = 37;
    private static final int RECORD_HEADER_BYTES = 32;

    @Override
    public EncodedSlot encode(SlotName name, List<WalEntry> entries) {
        List<ByteBuffer> body = new ArrayList<>();
        body.add(header(name, entries.size(), false));
        for (WalEntry entry : entries) {
            ByteBuffer record = ByteBuffer.allocate(RECORD_HEADER_BYTES);
            record.putLong(entry.streamId())
                    .putInt(entry.leaderEpoch())
                    .putLong(entry.baseOffset())
                    .putLong(entry.endOffset())
                    .putInt(entry.payloadSizeBytes());
            body.add(record.flip());
            body.add(entry.payload());
        }
        return finish(body);
    }

    @Override
    public EncodedSlot fence(SlotName name) {
        List<ByteBuffer> body = new ArrayList<>();
        body.add(header(name, 0, true));
        return finish(body);
    }

    private static ByteBuffer header(SlotName name, int count, boolean isFence) {
        return ByteBuffer.allocate(HEADER_BYTES)
                .putInt(name.key().brokerId())
                .putLong(name.key().brokerEpoch())
                .putLong(name.key().slot())
                .putInt(name.writerId())
                .putLong(name.nonce())
                .put((byte) (isFence ? 1 : 0))
                .putInt(count)
                .flip();
    }

    private static EncodedSlot finish(List<ByteBuffer> body) {
        CRC32C crc = new CRC32C();
        long size = 4;
        for (ByteBuffer part : body) {
            crc.update(part.duplicate());
            size += part.remaining();
        }
        body.add(ByteBuffer.allocate(4).putInt((int) crc.getValue()).flip());
        return new EncodedSlot(body, size);
    }

    @Override
    public SlotContent read(SlotKey key, ByteBuffer bytes, long lsn, RecoveryVisitor visitor) {
        ByteBuffer in = bytes.slice();
        CRC32C crc = new CRC32C();
        crc.update(in.slice(0, in.limit() - 4));
        if ((int) crc.getValue() != in.getInt(in.limit() - 4)) {
            throw new FreshetException(ErrorKind.CORRUPT, "Slot " + key + " does not verify");
        }
        SlotKey found = new SlotKey(in.getInt(), in.getLong(), in.getLong());
        SlotName name = new SlotName(found, in.getInt(), in.getLong());
        boolean isFence = in.get() == 1;
        int count = in.getInt();
        if (!found.equals(key)) {
            throw new FreshetException(ErrorKind.CORRUPT, "Slot " + key + " is a copy of " + found);
        }
        for (int i = 0; i < count; i++) {
            long stream = in.getLong();
            int epoch = in.getInt();
            long base = in.getLong();
            long end = in.getLong();
            int length = in.getInt();
            visitor.record(lsn, stream, epoch, base, end, in.slice(in.position(), length));
            in.position(in.position() + length);
        }
        return new SlotContent(name, isFence, count);
    }
}
