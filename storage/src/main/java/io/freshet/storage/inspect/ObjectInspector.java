// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.BlockHeader;
import io.freshet.storage.format.ObjectFooter;
import io.freshet.storage.format.ObjectFormat;
import io.freshet.storage.format.ObjectParts;
import io.freshet.storage.format.SegmentTrailer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads one object part by part: damage in one part hides no other. Holds at most the object's tail, or one block, at a time.
 * Errors of the store pass through; CORRUPT becomes a {@link Damage}. Used by one thread.
 */
public final class ObjectInspector {
    private static final long ANY_ID = -1;
    private static final int FIRST_TAIL_BYTES = 64 << 10;

    private final ObjectBytes source;
    private final ObjectName name;
    private final long expectedId;
    private final List<Damage> damages = new ArrayList<>();

    /** @param name what the object's name promises; whatever does not keep it is damage */
    public ObjectInspector(ObjectBytes source, ObjectName name) {
        this.source = source;
        this.name = name;
        this.expectedId = name instanceof ObjectName.OfData data ? data.objectId() : ANY_ID;
    }

    /** Reads everything but the blocks; those are looked for one by one only if the index is damaged. */
    public ObjectLayout layout() {
        long size = source.sizeBytes();
        if (size < ObjectFormat.HEADER_BYTES + ObjectFormat.FOOTER_BYTES) {
            damages.add(new Damage("object", 0, "it has " + size + " bytes, too few for header and footer"));
            return new ObjectLayout(expectedId, size, null, null, List.of(), List.of(), false, damages);
        }
        ByteBuffer tail = tail(size, (int) Math.min(size, FIRST_TAIL_BYTES));
        long objectId = expectedId == ANY_ID ? ObjectParts.claimedObjectId(tail) : expectedId;
        ObjectFooter footer = footer(objectId, size, tail);
        ObjectParts.Header header = header(objectId, footer);
        if (footer == null) {
            return new ObjectLayout(objectId, size, header, null, List.of(), scan(size), false, damages);
        }
        if (footer.tailBytes() > tail.remaining()) {
            tail = tail(size, Math.toIntExact(footer.tailBytes()));
        }
        List<SegmentTrailer> segments = segments(footer, tail);
        List<BlockEntry> blocks = blocks(footer, tail);
        if (segments != null && blocks != null) {
            checkAgreement(footer, segments, blocks);
        }
        if (segments != null && header != null && name.isFence(header) && !segments.isEmpty()) {
            damages.add(
                    new Damage("header", 24, "it has the slot tag of a fence and " + segments.size() + " segments"));
        }
        return new ObjectLayout(
                objectId,
                size,
                header,
                footer,
                segments == null ? List.of() : segments,
                blocks == null ? scan(footer.trailersPosition()) : blocks,
                blocks != null,
                damages);
    }

    private ByteBuffer tail(long size, int length) {
        return source.read(size - length, length);
    }

    private @Nullable ObjectFooter footer(long objectId, long size, ByteBuffer tail) {
        try {
            return ObjectFooter.decode(objectId, size, tail);
        } catch (FreshetException e) {
            damage("footer", size - ObjectFormat.FOOTER_BYTES, e);
            return null;
        }
    }

    private ObjectParts.@Nullable Header header(long objectId, @Nullable ObjectFooter footer) {
        ObjectParts.Header header;
        try {
            header = ObjectParts.header(objectId, source.read(0, ObjectFormat.HEADER_BYTES));
        } catch (FreshetException e) {
            damage("header", 0, e);
            return null;
        }
        if (header.objectId() != objectId) {
            damages.add(new Damage("header", 0, "it belongs to object " + header.objectId() + ", not " + objectId));
        }
        if (footer != null && footer.brokerId() != header.brokerId()) {
            damages.add(new Damage(
                    "header",
                    0,
                    "it names broker " + header.brokerId() + ", the footer names broker " + footer.brokerId()));
        }
        name.contradiction(header).ifPresent(how -> damages.add(new Damage("header", 24, how)));
        return header;
    }

    private @Nullable List<SegmentTrailer> segments(ObjectFooter footer, ByteBuffer tail) {
        try {
            return ObjectParts.segments(footer, tail);
        } catch (FreshetException e) {
            damage("trailers", footer.trailersPosition(), e);
            return null;
        }
    }

    private @Nullable List<BlockEntry> blocks(ObjectFooter footer, ByteBuffer tail) {
        try {
            return ObjectParts.blocks(footer, tail);
        } catch (FreshetException e) {
            damage("index", footer.indexPosition(), e);
            return null;
        }
    }

    private void checkAgreement(ObjectFooter footer, List<SegmentTrailer> segments, List<BlockEntry> blocks) {
        try {
            ObjectParts.checkAgreement(footer, segments, blocks);
        } catch (FreshetException e) {
            damage("trailers", footer.trailersPosition(), e);
        }
    }

    private List<BlockEntry> scan(long end) {
        return new BlockScan(source, end, damages).run();
    }

    /**
     * Reads and checks one block; its batches, as far as they can be told apart, go to {@code visitor}. Returns the damages, none
     * if it is sound.
     */
    public List<Damage> checkBlock(long objectId, int number, BlockEntry entry, BatchVisitor visitor) {
        List<Damage> found = new ArrayList<>();
        ByteBuffer block;
        try {
            block = source.read(entry.position(), entry.sizeBytes());
            try {
                BlockHeader.verify(objectId, number, entry, block);
            } catch (FreshetException e) {
                found.add(new Damage("block", entry.position(), plain(e)));
            }
        } catch (FreshetException e) {
            requireCorrupt(e);
            found.add(new Damage("block", entry.position(), plain(e)));
            return found;
        }
        BatchWalk walk = new BatchWalk(number, entry, block, found);
        walk.walk(visitor);
        if (found.isEmpty() && walk.records() != entry.recordCount()) {
            found.add(new Damage(
                    "block",
                    entry.position(),
                    "block " + number + " holds " + walk.records() + " records, the index says "
                            + entry.recordCount()));
        }
        return found;
    }

    private void damage(String part, long position, FreshetException e) {
        requireCorrupt(e);
        damages.add(new Damage(part, position, plain(e)));
    }

    private static void requireCorrupt(FreshetException e) {
        if (e.kind() != ErrorKind.CORRUPT) {
            throw e;
        }
    }

    /** The message without the advice to run the tool that shows it. */
    private static String plain(FreshetException e) {
        String message = String.valueOf(e.getMessage());
        int advice = message.indexOf(". Keep the object");
        return advice < 0 ? message : message.substring(0, advice);
    }
}
