// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import io.freshet.common.buffer.SharedBytes;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.kafka.common.network.TransferableChannel;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.RecordsSend;

/** Record batches for a fetch response, as slices of shared memory that are sent without being copied. */
public final class SlicedRecords implements BaseRecords {
    private final List<SharedBytes> slices;
    private final int sizeBytes;

    /** Takes over the references on {@code ownedSlices}. */
    public SlicedRecords(List<SharedBytes> ownedSlices) {
        this.slices = List.copyOf(ownedSlices);
        int sum = 0;
        for (SharedBytes slice : slices) {
            sum += slice.sizeBytes();
        }
        this.sizeBytes = sum;
    }

    public List<SharedBytes> slices() {
        return slices;
    }

    /** Gives all references back; called once by the front end. */
    public void release() {
        slices.forEach(SharedBytes::release);
    }

    @Override
    public int sizeInBytes() {
        return sizeBytes;
    }

    @Override
    public RecordsSend<SlicedRecords> toSend() {
        return new SlicedSend(this);
    }

    /** Hands all slices to the channel in one gathering write; the front end's channel takes them by reference. */
    private static final class SlicedSend extends RecordsSend<SlicedRecords> {
        SlicedSend(SlicedRecords records) {
            super(records, records.sizeInBytes());
        }

        @Override
        protected int writeTo(TransferableChannel channel, int previouslyWritten, int remaining)
                throws java.io.IOException {
            if (previouslyWritten != 0) {
                throw new IllegalStateException("Sliced records must be taken whole by the channel");
            }
            ByteBuffer[] views = new ByteBuffer[records().slices.size()];
            for (int i = 0; i < views.length; i++) {
                views[i] = records().slices.get(i).view();
            }
            return (int) channel.write(views);
        }
    }
}
