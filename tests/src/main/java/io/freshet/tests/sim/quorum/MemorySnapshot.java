// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.function.BiConsumer;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.Records;
import org.apache.kafka.common.record.internal.UnalignedMemoryRecords;
import org.apache.kafka.common.record.internal.UnalignedRecords;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.RawSnapshotReader;
import org.apache.kafka.snapshot.RawSnapshotWriter;

/** Snapshots in memory: one that is being written, and one that is complete. */
final class MemorySnapshot {
    private MemorySnapshot() {}

    /** Counts when it is frozen, and is durable then. */
    static final class Writer implements RawSnapshotWriter {
        private final OffsetAndEpoch id;
        private final BiConsumer<OffsetAndEpoch, byte[]> complete;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private boolean isFrozen;

        Writer(OffsetAndEpoch id, BiConsumer<OffsetAndEpoch, byte[]> complete) {
            this.id = id;
            this.complete = complete;
        }

        private void add(ByteBuffer added) {
            if (isFrozen) {
                throw new IllegalStateException("Snapshot " + id + " is complete");
            }
            byte[] copy = new byte[added.remaining()];
            added.duplicate().get(copy);
            bytes.writeBytes(copy);
        }

        @Override
        public OffsetAndEpoch snapshotId() {
            return id;
        }

        @Override
        public long sizeInBytes() {
            return bytes.size();
        }

        @Override
        public void append(UnalignedMemoryRecords records) {
            add(records.buffer());
        }

        @Override
        public void append(MemoryRecords records) {
            add(records.buffer());
        }

        @Override
        public boolean isFrozen() {
            return isFrozen;
        }

        @Override
        public void freeze() {
            if (!isFrozen) {
                isFrozen = true;
                complete.accept(id, bytes.toByteArray());
            }
        }

        @Override
        public void close() {}
    }

    /** A complete one. */
    record Reader(OffsetAndEpoch snapshotId, byte[] bytes) implements RawSnapshotReader {
        @Override
        public long sizeInBytes() {
            return bytes.length;
        }

        @Override
        public UnalignedRecords slice(long position, int size) {
            int from = (int) Math.min(position, bytes.length);
            return new UnalignedMemoryRecords(ByteBuffer.wrap(bytes, from, Math.min(size, bytes.length - from))
                    .slice());
        }

        @Override
        public Records records() {
            return MemoryRecords.readableRecords(ByteBuffer.wrap(bytes));
        }
    }
}
