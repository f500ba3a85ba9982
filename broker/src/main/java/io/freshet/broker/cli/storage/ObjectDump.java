// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.ObjectFooter;
import io.freshet.storage.format.ObjectParts;
import io.freshet.storage.format.SegmentTrailer;
import io.freshet.storage.inspect.BatchSummary;
import io.freshet.storage.inspect.Damage;
import io.freshet.storage.inspect.ObjectBytes;
import io.freshet.storage.inspect.ObjectInspector;
import io.freshet.storage.inspect.ObjectLayout;
import io.freshet.storage.inspect.ObjectName;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Prints one object. */
final class ObjectDump {
    private final Printing print;
    private final boolean showsRecords;
    private final boolean isTailOnly;

    ObjectDump(Printing print, boolean showsRecords, boolean isTailOnly) {
        this.print = print;
        this.showsRecords = showsRecords;
        this.isTailOnly = isTailOnly;
    }

    /** The JSON document. */
    record Document(
            String name,
            long objectId,
            long sizeBytes,
            ObjectParts.@Nullable Header header,
            List<Block> blocks,
            List<Trailer> trailers,
            @Nullable ObjectFooter footer,
            boolean indexRead,
            List<Damage> damages) {}

    /** A block; {@code isSound} is null if it was not read. */
    record Block(BlockEntry entry, @Nullable Boolean isSound, List<BatchSummary> batches) {}

    /** A trailer without the producers' bytes. */
    record Trailer(
            long streamId,
            long startOffset,
            long endOffset,
            long sizeBytes,
            int firstBlock,
            int blockCount,
            long minTimestampMs,
            long maxTimestampMs,
            long checkpointEndOffset,
            List<SegmentCheckpoint.EpochStart> epochStarts,
            List<SegmentCheckpoint.AbortedTransaction> abortedTransactions,
            int producerStateBytes) {}

    /** Prints everything; false if there is damage. */
    boolean run(String name, ObjectBytes bytes, ObjectName promise) {
        ObjectInspector inspector = new ObjectInspector(bytes, promise);
        ObjectLayout layout = inspector.layout();
        List<Damage> damages = new ArrayList<>(layout.damages());
        print.text("Object %d, %s, %d bytes", layout.objectId(), name, layout.sizeBytes());
        ObjectParts.Header header = layout.header();
        print.text(
                header == null
                        ? "Header: damaged"
                        : "Header: object " + header.objectId() + ", broker " + header.brokerId()
                                + (header.slotTag() == 0 ? "" : ", slot tag " + Integer.toHexString(header.slotTag()))
                                + (promise.isFence(header) ? ", a fence" : ""));
        print.text(
                "Blocks: %d%s",
                layout.blocks().size(),
                layout.isIndexRead() ? "" : " (found by their own headers: the index is unreadable)");
        List<Block> blocks = blocks(inspector, layout, damages);
        List<Trailer> trailers =
                layout.segments().stream().map(ObjectDump::trailer).toList();
        print.text("Trailers: %d", trailers.size());
        trailers.forEach(this::printTrailer);
        print.text("Index: %s", layout.isIndexRead() ? layout.blocks().size() + " entries" : "damaged");
        ObjectFooter footer = layout.footer();
        print.text(
                footer == null
                        ? "Footer: damaged"
                        : "Footer: broker " + footer.brokerId() + ", trailers at " + footer.trailersPosition()
                                + ", index at " + footer.indexPosition() + ", " + footer.blockCount() + " blocks, "
                                + footer.segmentCount() + " segments");
        print.text(damages.isEmpty() ? "No damage" + (isTailOnly ? " (blocks were not read)" : "") : "Damage:");
        damages.forEach(
                damage -> print.text("  %s at position %d: %s", damage.part(), damage.position(), damage.message()));
        print.json(new Document(
                name,
                layout.objectId(),
                layout.sizeBytes(),
                header,
                blocks,
                trailers,
                footer,
                layout.isIndexRead(),
                damages));
        return damages.isEmpty();
    }

    private List<Block> blocks(ObjectInspector inspector, ObjectLayout layout, List<Damage> damages) {
        List<Block> blocks = new ArrayList<>();
        for (int i = 0; i < layout.blocks().size(); i++) {
            BlockEntry entry = layout.blocks().get(i);
            List<BatchSummary> batches = new ArrayList<>();
            Boolean isSound = null;
            if (!isTailOnly) {
                List<Damage> found = inspector.checkBlock(layout.objectId(), i, entry, (block, batch) -> {
                    if (showsRecords) {
                        batches.add(batch);
                    }
                });
                damages.addAll(found);
                isSound = found.isEmpty();
            }
            print.text(
                    "  block %d at %d: stream %d, offsets [%d, %d), %d records, %d bytes, CRC %s",
                    i,
                    entry.position(),
                    entry.streamId(),
                    entry.baseOffset(),
                    entry.endOffset(),
                    entry.recordCount(),
                    entry.sizeBytes(),
                    isSound == null ? "not checked" : isSound ? "ok" : "DAMAGED");
            batches.forEach(this::printBatch);
            if (print.isJson()) {
                blocks.add(new Block(entry, isSound, batches));
            }
        }
        return blocks;
    }

    private void printBatch(BatchSummary batch) {
        print.text(
                "    batch at %d: offsets [%d, %d), %d records, %d bytes, timestamps %d to %d, epoch %d, %s, producer %s%s%s%s",
                batch.position(),
                batch.baseOffset(),
                batch.endOffset(),
                batch.recordCount(),
                batch.sizeBytes(),
                batch.baseTimestampMs(),
                batch.maxTimestampMs(),
                batch.leaderEpoch(),
                batch.codec(),
                batch.producerId() < 0
                        ? "none"
                        : batch.producerId() + "/" + batch.producerEpoch() + " from sequence " + batch.baseSequence(),
                batch.isTransactional() ? ", transactional" : "",
                batch.isControl() ? ", control" : "",
                batch.isCrcRight() ? "" : ", CRC WRONG");
    }

    private static Trailer trailer(SegmentTrailer trailer) {
        var segment = trailer.segment();
        SegmentCheckpoint checkpoint = trailer.checkpoint();
        return new Trailer(
                segment.streamId(),
                segment.startOffset(),
                segment.endOffset(),
                segment.sizeBytes(),
                trailer.firstBlock(),
                trailer.blockCount(),
                segment.minTimestampMs(),
                segment.maxTimestampMs(),
                checkpoint.endOffset(),
                checkpoint.epochStarts(),
                checkpoint.abortedTransactions(),
                checkpoint.producerState().length);
    }

    private void printTrailer(Trailer trailer) {
        StringBuilder epochs = new StringBuilder();
        trailer.epochStarts()
                .forEach(epoch -> epochs.append(epochs.isEmpty() ? "" : ", ")
                        .append(epoch.leaderEpoch())
                        .append(" from ")
                        .append(epoch.startOffset()));
        print.text(
                "  stream %d: offsets [%d, %d), %d bytes, blocks [%d, %d), timestamps %d to %d",
                trailer.streamId(),
                trailer.startOffset(),
                trailer.endOffset(),
                trailer.sizeBytes(),
                trailer.firstBlock(),
                trailer.firstBlock() + trailer.blockCount(),
                trailer.minTimestampMs(),
                trailer.maxTimestampMs());
        print.text(
                "    epochs: %s; %d aborted transactions; %d bytes of producer state",
                epochs, trailer.abortedTransactions().size(), trailer.producerStateBytes());
    }
}
