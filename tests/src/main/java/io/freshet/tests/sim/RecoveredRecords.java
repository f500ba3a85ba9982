// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog;
import io.freshet.wal.s3.S3Wal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What an S3 lane found while it was opened, which takes virtual time, for storage, which wants it at once. Closing does not
 * wait.
 */
final class RecoveredRecords implements WriteAheadLog.RecoveryVisitor {
    private record Found(
            long lsn, long streamId, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload) {}

    private final List<Found> found = new ArrayList<>();

    @Override
    public void record(long lsn, long streamId, int leaderEpoch, long baseOffset, long endOffset, ByteBuffer payload) {
        ByteBuffer copy = ByteBuffer.allocate(payload.remaining());
        copy.put(payload.duplicate()).flip();
        found.add(new Found(lsn, streamId, leaderEpoch, baseOffset, endOffset, copy));
    }

    /** Gives all records to {@code visitor}; a dead lane, which takes no appends. */
    WriteAheadLog replay(long endLsn, WriteAheadLog.RecoveryVisitor visitor) {
        replay(visitor);
        long bytes =
                found.stream().mapToLong(record -> record.payload().remaining()).sum();
        return new DeadLane(endLsn, Math.max(1, bytes));
    }

    private record DeadLane(long endLsn, long capacityBytes) implements WriteAheadLog {
        @Override
        public void append(WalEntry entry) {
            throw new FreshetException(ErrorKind.FENCED, "This lane's owner is dead; append to a living one");
        }

        /** What is not needed any more is for the dead broker's successor to trim. */
        @Override
        public CompletableFuture<Void> trim(long lsn) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public long startLsn() {
            return 0;
        }

        @Override
        public long usedBytes() {
            return capacityBytes;
        }

        @Override
        public void close() {}
    }

    private void replay(WriteAheadLog.RecoveryVisitor visitor) {
        found.forEach(record -> visitor.record(
                record.lsn(),
                record.streamId(),
                record.leaderEpoch(),
                record.baseOffset(),
                record.endOffset(),
                record.payload()));
    }

    /** Gives all records to {@code visitor}; the lane as storage sees it. */
    WriteAheadLog replay(S3Wal lane, WriteAheadLog.RecoveryVisitor visitor) {
        replay(visitor);
        return new WriteAheadLog() {
            @Override
            public void append(WalEntry entry) {
                lane.append(entry);
            }

            @Override
            public CompletableFuture<Void> trim(long lsn) {
                return lane.trim(lsn);
            }

            @Override
            public long startLsn() {
                return lane.startLsn();
            }

            @Override
            public long endLsn() {
                return lane.endLsn();
            }

            @Override
            public long capacityBytes() {
                return lane.capacityBytes();
            }

            @Override
            public long usedBytes() {
                return lane.usedBytes();
            }

            @Override
            public void close() {
                lane.shutdown();
            }
        };
    }
}
