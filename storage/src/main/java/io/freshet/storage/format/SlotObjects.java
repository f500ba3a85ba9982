// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.format;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog.RecoveryVisitor;
import io.freshet.wal.s3.SlotFormat;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * WAL slots in the format of objects, so that whatever reads objects reads them too. The slot's nonce is its object id. A segment
 * holds entries of one stream and one leader epoch that follow one another: it has exactly one epoch start, at its own start, no
 * producer state and no aborted transactions. A fence has no segments; every other slot has some.
 *
 * <p>The header's slot tag binds the bytes to their key: CRC32C of a byte (0 records, 1 fence), broker id (4), broker epoch (8) and
 * slot (8), with 1 in place of 0. A slot copied under another key, or a data object under a slot's, does not verify.
 *
 * <p>Records come back block by block: whole batches, possibly of several entries.
 */
public final class SlotObjects implements SlotFormat {
    private static final byte RECORDS = 0;
    private static final byte FENCE = 1;
    private static final byte[] NO_PRODUCERS = {};

    private final int blockTargetBytes;

    /** @param blockTargetBytes size that a data block exceeds only for a single batch */
    public SlotObjects(int blockTargetBytes) {
        this.blockTargetBytes = blockTargetBytes;
    }

    @Override
    public EncodedSlot encode(SlotName name, List<WalEntry> entries) {
        if (entries.isEmpty()) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Slot '" + keyOf(name.key()) + "' would be empty; only fences are");
        }
        List<WalEntry> sorted = new ArrayList<>(entries);
        sorted.sort(Comparator.comparingLong(WalEntry::streamId));
        ObjectEncoder encoder =
                new ObjectEncoder(name.nonce(), name.writerId(), blockTargetBytes, tag(name.key(), RECORDS));
        int from = 0;
        for (int i = 1; i <= sorted.size(); i++) {
            if (i == sorted.size() || !isOneSegment(sorted.get(i - 1), sorted.get(i))) {
                encoder.add(segment(sorted.subList(from, i)));
                from = i;
            }
        }
        return encoded(encoder.finish());
    }

    private static boolean isOneSegment(WalEntry entry, WalEntry next) {
        return entry.streamId() == next.streamId()
                && entry.leaderEpoch() == next.leaderEpoch()
                && entry.endOffset() == next.baseOffset();
    }

    private static SegmentContent segment(List<WalEntry> entries) {
        WalEntry first = entries.get(0);
        long endOffset = entries.get(entries.size() - 1).endOffset();
        List<SharedBytes> batches = new ArrayList<>(entries.size());
        for (WalEntry entry : entries) {
            batches.add(SharedBytes.unpooled(entry.payload()));
        }
        List<EpochStart> epochs = List.of(new EpochStart(first.leaderEpoch(), first.baseOffset()));
        SegmentCheckpoint checkpoint = new SegmentCheckpoint(endOffset, epochs, NO_PRODUCERS, List.of());
        return new SegmentContent(first.streamId(), first.baseOffset(), endOffset, batches, checkpoint);
    }

    @Override
    public EncodedSlot fence(SlotName name) {
        ObjectEncoder encoder =
                new ObjectEncoder(name.nonce(), name.writerId(), blockTargetBytes, tag(name.key(), FENCE));
        return encoded(encoder.finish());
    }

    private static EncodedSlot encoded(EncodedObject object) {
        return new EncodedSlot(object.body(), object.sizeBytes());
    }

    @Override
    public SlotContent read(SlotKey key, ByteBuffer bytes, long lsn, RecoveryVisitor visitor) {
        ByteBuffer whole = bytes.slice();
        if (whole.limit() < ObjectFormat.HEADER_BYTES + ObjectFormat.FOOTER_BYTES) {
            throw corrupt(key, "it has only " + whole.limit() + " bytes");
        }
        int tag = whole.getInt(24);
        boolean isFence = tag == tag(key, FENCE);
        if (!isFence && tag != tag(key, RECORDS)) {
            throw corrupt(key, "its header at position 0 is damaged, or of another slot");
        }
        ObjectIndex index = verify(key, whole, tag);
        if (isFence != index.segments().isEmpty()) {
            throw corrupt(
                    key,
                    "it is marked as " + (isFence ? "a fence" : "records") + " and has "
                            + index.segments().size() + " segments");
        }
        for (SegmentTrailer segment : index.segments()) {
            if (segment.blockCount() == 0 || segment.checkpoint().epochStarts().size() != 1) {
                throw corrupt(key, "its segment " + segment.segment() + " is none of a slot");
            }
        }
        for (SegmentTrailer segment : index.segments()) {
            visit(index, segment, whole, lsn, visitor);
        }
        SlotName name = new SlotName(key, index.footer().brokerId(), index.objectId());
        return new SlotContent(name, isFence, index.blocks().size());
    }

    private static ObjectIndex verify(SlotKey key, ByteBuffer whole, int tag) {
        try {
            return ObjectIndex.verify(whole.getLong(16), whole, tag);
        } catch (FreshetException e) {
            throw new FreshetException(e.kind(), "Slot '" + keyOf(key) + "' is damaged. " + e.getMessage(), e);
        }
    }

    private static void visit(
            ObjectIndex index, SegmentTrailer segment, ByteBuffer whole, long lsn, RecoveryVisitor visitor) {
        int leaderEpoch = segment.checkpoint().epochStarts().get(0).leaderEpoch();
        for (int i = segment.firstBlock(); i < segment.endBlock(); i++) {
            BlockEntry block = index.blocks().get(i);
            ByteBuffer batches =
                    whole.slice((int) block.position() + ObjectFormat.BLOCK_HEADER_BYTES, block.dataBytes());
            visitor.record(lsn, block.streamId(), leaderEpoch, block.baseOffset(), block.endOffset(), batches);
        }
    }

    /** What a slot holds. */
    public enum SlotKind {
        /** Records of streams. */
        RECORDS,
        /** Nothing: the WAL ends here. */
        FENCE
    }

    /** What {@code slotTag} says of the object under {@code key}; empty if it belongs under another key, or is none. */
    public static Optional<SlotKind> kind(SlotKey key, int slotTag) {
        if (slotTag == tag(key, RECORDS)) {
            return Optional.of(SlotKind.RECORDS);
        }
        return slotTag == tag(key, FENCE) ? Optional.of(SlotKind.FENCE) : Optional.empty();
    }

    private static int tag(SlotKey key, byte kind) {
        ByteBuffer fields = ByteBuffer.allocate(21);
        fields.put(kind).putInt(key.brokerId()).putLong(key.brokerEpoch()).putLong(key.slot());
        CRC32C crc = new CRC32C();
        crc.update(fields.flip());
        int tag = (int) crc.getValue();
        return tag == 0 ? 1 : tag;
    }

    private static String keyOf(SlotKey key) {
        return ObjectKeys.slotKey(key.brokerId(), key.brokerEpoch(), key.slot());
    }

    private static FreshetException corrupt(SlotKey key, String how) {
        return new FreshetException(
                ErrorKind.CORRUPT,
                "Slot '" + keyOf(key) + "' is damaged: " + how
                        + ". Keep the object, check the store, and restore it from a version or replica");
    }
}
