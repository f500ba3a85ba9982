// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.fake;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A WAL over a device in memory. Entries become durable when the test flushes, or at once. Used by one thread. */
public final class FakeWal implements WriteAheadLog {
    /** What survives a crash. */
    public static final class Device {
        private record Record(long streamId, int leaderEpoch, long baseOffset, long endOffset, byte[] payload) {}

        private final long capacityBytes;
        private final NavigableMap<Long, Record> records = new TreeMap<>();
        private long startLsn;
        private long endLsn;

        public Device(long capacityBytes) {
            this.capacityBytes = capacityBytes;
        }

        /** Forgets all, as a WAL that begins anew does. */
        public void restart() {
            records.clear();
            endLsn += capacityBytes;
            startLsn = endLsn;
        }

        public int recordCount() {
            return records.size();
        }

        public long startLsn() {
            return startLsn;
        }

        /** Writes a record as a process with another view would have. */
        public void write(long streamId, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload) {
            byte[] bytes = new byte[payload.remaining()];
            payload.duplicate().get(bytes);
            records.put(endLsn, new Record(streamId, leaderEpoch, baseOffset, endOffset, bytes));
            endLsn += bytes.length + 64;
        }
    }

    private final Device device;
    private final boolean immediate;
    private final Queue<WalEntry> waiting = new ArrayDeque<>();
    private boolean closed;
    private @Nullable FreshetException failure;
    private boolean flushing;
    private boolean refusing;
    private boolean tellsFailure;

    public FakeWal(Device device, boolean immediate, RecoveryVisitor visitor) {
        this.device = device;
        this.immediate = immediate;
        for (Map.Entry<Long, Device.Record> entry : device.records.entrySet()) {
            Device.Record r = entry.getValue();
            visitor.record(
                    entry.getKey(),
                    r.streamId(),
                    r.leaderEpoch(),
                    r.baseOffset(),
                    r.endOffset(),
                    ByteBuffer.wrap(r.payload()).asReadOnlyBuffer());
        }
    }

    @Override
    public void append(WalEntry entry) {
        if (refusing) {
            throw new FreshetException(ErrorKind.INVALID, "The entry is too large for this lane");
        }
        waiting.add(entry);
        if (immediate || failure != null || closed) {
            flush(Integer.MAX_VALUE);
        }
    }

    public int waitingCount() {
        return waiting.size();
    }

    /** Everything from now on fails. */
    public void fail() {
        failure = new FreshetException(ErrorKind.UNAVAILABLE, "The device is gone");
        flush(Integer.MAX_VALUE);
    }

    /** As {@link #fail()}, and says so to those who ask. The device has up to {@code written} of the entries that fail. */
    public void failOpenly(int written) {
        waiting.stream()
                .limit(written)
                .forEach(entry -> device.write(
                        entry.streamId(), entry.leaderEpoch(), entry.baseOffset(), entry.endOffset(), entry.payload()));
        tellsFailure = true;
        fail();
    }

    @Override
    public Optional<FreshetException> failure() {
        return tellsFailure ? Optional.ofNullable(failure) : Optional.empty();
    }

    /** Makes up to {@code count} entries durable, as far as there is room. */
    public void flush(int count) {
        if (flushing) {
            return;
        }
        flushing = true;
        for (int i = 0; i < count && !waiting.isEmpty(); i++) {
            WalEntry entry = waiting.peek();
            FreshetException cause =
                    closed ? new FreshetException(ErrorKind.UNAVAILABLE, "The WAL is closed") : failure;
            if (cause != null) {
                waiting.remove().onFailed(cause);
                continue;
            }
            if (device.endLsn + entry.payloadSizeBytes() + 64 - device.startLsn > device.capacityBytes) {
                break;
            }
            long lsn = device.endLsn;
            device.write(entry.streamId(), entry.leaderEpoch(), entry.baseOffset(), entry.endOffset(), entry.payload());
            waiting.remove().onDurable(lsn);
        }
        flushing = false;
    }

    /** The process dies just after the device has written up to {@code count} entries and before anyone was told. */
    public void writeUnacknowledged(int count) {
        for (int i = 0; i < count && !waiting.isEmpty(); i++) {
            WalEntry entry = waiting.remove();
            if (device.endLsn + entry.payloadSizeBytes() + 64 - device.startLsn > device.capacityBytes) {
                return;
            }
            device.write(entry.streamId(), entry.leaderEpoch(), entry.baseOffset(), entry.endOffset(), entry.payload());
        }
    }

    /** The lane takes no entry any more, and says so at once. */
    public void refuse() {
        refusing = true;
    }

    @Override
    public CompletableFuture<Void> trim(long lsn) {
        if (closed) {
            return CompletableFuture.failedFuture(new FreshetException(ErrorKind.UNAVAILABLE, "The WAL is closed"));
        }
        if (lsn > device.startLsn) {
            device.startLsn = lsn;
            device.records.headMap(lsn, false).clear();
        }
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public long startLsn() {
        return device.startLsn;
    }

    @Override
    public long endLsn() {
        return device.endLsn;
    }

    @Override
    public long capacityBytes() {
        return device.capacityBytes;
    }

    @Override
    public void close() {
        flush(Integer.MAX_VALUE);
        closed = true;
        flush(Integer.MAX_VALUE);
    }
}
