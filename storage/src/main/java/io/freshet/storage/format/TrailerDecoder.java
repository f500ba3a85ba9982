// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Reads the trailers of one object, in order. Lengths are checked against the bytes that are left before use. */
final class TrailerDecoder {
    private final ObjectFooter footer;
    private final ByteBuffer trailers;

    /** {@code trailers} are the bytes between the footer's trailers position and index position. */
    TrailerDecoder(ObjectFooter footer, ByteBuffer trailers) {
        this.footer = footer;
        this.trailers = trailers.slice();
    }

    List<SegmentTrailer> decode() {
        if (ObjectFormat.crc(trailers, 0, trailers.limit()) != footer.trailersCrc()) {
            throw damaged("their CRC32C does not match");
        }
        List<SegmentTrailer> decoded = new ArrayList<>(footer.segmentCount());
        for (int i = 0; i < footer.segmentCount(); i++) {
            decoded.add(next());
        }
        if (trailers.hasRemaining()) {
            throw damaged(trailers.remaining() + " bytes are left over");
        }
        return decoded;
    }

    private SegmentTrailer next() {
        need(ObjectFormat.TRAILER_FIXED_BYTES);
        long streamId = trailers.getLong();
        long startOffset = trailers.getLong();
        long endOffset = trailers.getLong();
        long checkpointEnd = trailers.getLong();
        long dataBytes = trailers.getLong();
        int firstBlock = trailers.getInt();
        int blockCount = trailers.getInt();
        long minTimestampMs = trailers.getLong();
        long maxTimestampMs = trailers.getLong();
        int epochCount = trailers.getInt();
        int abortedCount = trailers.getInt();
        int producerBytes = trailers.getInt();
        if (startOffset < 0 || endOffset <= startOffset || dataBytes < 0) {
            throw damaged(
                    "offsets " + startOffset + " to " + endOffset + " with " + dataBytes + " bytes are impossible");
        }
        List<EpochStart> epochs = epochStarts(epochCount);
        List<AbortedTransaction> aborted = abortedTransactions(abortedCount);
        need(producerBytes);
        byte[] producerState = new byte[producerBytes];
        trailers.get(producerState);
        StreamSegment segment = new StreamSegment(
                streamId, startOffset, endOffset, footer.objectId(), dataBytes, minTimestampMs, maxTimestampMs);
        return new SegmentTrailer(
                segment, firstBlock, blockCount, new SegmentCheckpoint(checkpointEnd, epochs, producerState, aborted));
    }

    private List<EpochStart> epochStarts(int count) {
        need((long) count * ObjectFormat.EPOCH_START_BYTES);
        List<EpochStart> epochs = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            epochs.add(new EpochStart(trailers.getInt(), trailers.getLong()));
        }
        return epochs;
    }

    private List<AbortedTransaction> abortedTransactions(int count) {
        need((long) count * ObjectFormat.ABORTED_TRANSACTION_BYTES);
        List<AbortedTransaction> aborted = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            aborted.add(new AbortedTransaction(
                    trailers.getLong(), trailers.getLong(), trailers.getLong(), trailers.getLong()));
        }
        return aborted;
    }

    private void need(long bytes) {
        if (bytes < 0 || bytes > trailers.remaining()) {
            throw damaged(bytes + " bytes are claimed where " + trailers.remaining() + " are left");
        }
    }

    private RuntimeException damaged(String how) {
        return ObjectFormat.corrupt(
                footer.objectId(),
                "trailers at position " + footer.trailersPosition() + ", byte " + trailers.position()
                        + ", are damaged: " + how);
    }
}
