// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.inspect.ObjectBytes;
import io.freshet.storage.inspect.ObjectInspector;
import io.freshet.storage.inspect.ObjectName;
import io.freshet.storage.rebuild.RebuiltLog;
import io.freshet.storage.rebuild.RebuiltLog.Piece;
import java.util.ArrayList;
import java.util.List;

/** Turns the pieces of a log into rows of its manifest. A piece that is a part of a segment is measured batch by batch. */
final class PieceRows {
    private final OpenStore store;
    private final BucketContent bucket;
    private final RebuiltLog log;

    PieceRows(OpenStore store, BucketContent bucket, RebuiltLog log) {
        this.store = store;
        this.bucket = bucket;
        this.log = log;
    }

    List<StreamSegment> rows() {
        List<StreamSegment> rows = new ArrayList<>();
        for (Piece piece : log.pieces()) {
            rows.add(piece.isWhole() ? piece.source().segment() : measured(piece));
        }
        return rows;
    }

    private StreamSegment measured(Piece piece) {
        long objectId = piece.source().segment().objectId();
        ObjectBytes bytes = store.bytes(ObjectKeys.dataKey(objectId), bucket.sizeBytes(objectId));
        ObjectInspector inspector = new ObjectInspector(bytes, new ObjectName.OfData(objectId));
        long[] measures = {0, Long.MAX_VALUE, -1};
        List<BlockEntry> blocks = inspector.layout().blocks();
        for (int i = 0; i < blocks.size(); i++) {
            BlockEntry block = blocks.get(i);
            boolean isTouched = block.streamId() == log.streamId()
                    && block.endOffset() > piece.startOffset()
                    && block.baseOffset() < piece.endOffset();
            if (isTouched) {
                inspector.checkBlock(objectId, i, block, (number, batch) -> {
                    if (batch.endOffset() > piece.startOffset() && batch.baseOffset() < piece.endOffset()) {
                        measures[0] += batch.sizeBytes();
                        measures[1] = Math.min(measures[1], batch.baseTimestampMs());
                        measures[2] = Math.max(measures[2], batch.maxTimestampMs());
                    }
                });
            }
        }
        long minTimestampMs = measures[1] == Long.MAX_VALUE ? -1 : measures[1];
        return new StreamSegment(
                log.streamId(),
                piece.startOffset(),
                piece.endOffset(),
                objectId,
                measures[0],
                minTimestampMs,
                measures[2]);
    }
}
