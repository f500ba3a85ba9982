// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.fake;

import io.freshet.broker.partition.PartitionLog;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.storage.StreamLog.StreamRead;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.record.internal.MutableRecordBatch;

/** The batches of one partition in memory, its offsets, and who listens; counts the references it has given away. */
public abstract class BatchLog implements PartitionLog {
    private final TopicIdPartition id;
    protected final List<MutableRecordBatch> batches = new ArrayList<>();
    public final List<HighWatermarkListener> listeners = new CopyOnWriteArrayList<>();
    public final AtomicInteger references = new AtomicInteger();
    public int leaderEpoch;
    public long sizeBytes;
    public long logStartOffset;
    public volatile long highWatermark;
    public volatile long lastStableOffset;
    public volatile long logEndOffset;

    protected BatchLog(TopicIdPartition id) {
        this.id = id;
    }

    /** Adds a batch that has its offsets and epoch already; it is not visible yet. */
    protected final synchronized void add(MutableRecordBatch batch) {
        batches.add(batch);
        logEndOffset = batch.nextOffset();
        sizeBytes += batch.sizeInBytes();
    }

    /** Makes what is before {@code endOffset} visible and stable, and tells the listeners. */
    protected final void advanceTo(long endOffset) {
        highWatermark = endOffset;
        lastStableOffset = endOffset;
        listeners.forEach(listener -> listener.onHighWatermark(this, endOffset));
    }

    @Override
    public CompletableFuture<StreamRead> read(long offset, int maxBytes, long maxOffset, boolean minOneBatch) {
        return CompletableFuture.completedFuture(readNow(offset, maxBytes, maxOffset, minOneBatch));
    }

    protected final synchronized StreamRead readNow(long offset, int maxBytes, long maxOffset, boolean minOneBatch) {
        List<SharedBytes> found = new ArrayList<>();
        int sum = 0;
        long start = -1;
        long end = -1;
        for (MutableRecordBatch batch : batches) {
            if (batch.nextOffset() <= offset || batch.nextOffset() > maxOffset) {
                continue;
            }
            sum += batch.sizeInBytes();
            if (sum > maxBytes && !(minOneBatch && found.isEmpty())) {
                break;
            }
            ByteBuffer bytes = ByteBuffer.allocate(batch.sizeInBytes());
            batch.writeTo(bytes);
            found.add(new CountedBytes(bytes.flip(), references));
            start = start < 0 ? batch.baseOffset() : start;
            end = batch.nextOffset();
        }
        return found.isEmpty() ? StreamRead.EMPTY : new StreamRead(found, start, end);
    }

    @Override
    public void addHighWatermarkListener(HighWatermarkListener listener) {
        listeners.add(listener);
    }

    @Override
    public void removeHighWatermarkListener(HighWatermarkListener listener) {
        listeners.remove(listener);
    }

    @Override
    public TopicIdPartition id() {
        return id;
    }

    @Override
    public int leaderEpoch() {
        return leaderEpoch;
    }

    @Override
    public long logStartOffset() {
        return logStartOffset;
    }

    @Override
    public long highWatermark() {
        return highWatermark;
    }

    @Override
    public long lastStableOffset() {
        return lastStableOffset;
    }

    @Override
    public long logEndOffset() {
        return logEndOffset;
    }

    public synchronized long sizeBytes() {
        return sizeBytes;
    }
}
