// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.ObjectFormat;
import io.freshet.storage.format.ObjectParts;
import io.freshet.storage.format.ObjectParts.FoundBlock;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds blocks by their own headers, for an object whose index cannot be read. Behind a damaged header it looks for the next
 * one. Used by one thread.
 */
final class BlockScan {
    private static final int CHUNK_BYTES = 256 << 10;

    private final ObjectBytes source;
    private final long end;
    private final List<Damage> damages;
    private final List<BlockEntry> blocks = new ArrayList<>();

    /** Looks between the object's header and {@code end}. */
    BlockScan(ObjectBytes source, long end, List<Damage> damages) {
        this.source = source;
        this.end = end;
        this.damages = damages;
    }

    List<BlockEntry> run() {
        long position = ObjectFormat.HEADER_BYTES;
        while (position + ObjectFormat.BLOCK_HEADER_BYTES <= end) {
            ByteBuffer header = source.read(position, ObjectFormat.BLOCK_HEADER_BYTES);
            Optional<FoundBlock> found = ObjectParts.blockHeader(header, 0);
            if (found.isPresent() && fits(position, found.get())) {
                position = add(position, found.get());
                continue;
            }
            long next = search(position + 1);
            if (next < 0) {
                break;
            }
            damages.add(new Damage(
                    "block", position, "no block header verifies here; the next one is at position " + next));
            position = next;
        }
        return blocks;
    }

    private boolean fits(long position, FoundBlock block) {
        return block.dataBytes() <= end - position - ObjectFormat.BLOCK_HEADER_BYTES;
    }

    /** Reads the block to learn its end offset and records. */
    private long add(long position, FoundBlock block) {
        int sizeBytes = ObjectFormat.BLOCK_HEADER_BYTES + block.dataBytes();
        BlockEntry open = entry(block, position, sizeBytes, Long.MAX_VALUE, 0, -1);
        BatchWalk walk = new BatchWalk(blocks.size(), open, source.read(position, sizeBytes), new ArrayList<>());
        walk.walk(BatchVisitor.NONE);
        blocks.add(entry(block, position, sizeBytes, walk.endOffset(), walk.records(), walk.maxTimestampMs()));
        return position + sizeBytes;
    }

    private static BlockEntry entry(
            FoundBlock block, long position, int sizeBytes, long endOffset, long records, long maxTimestampMs) {
        return new BlockEntry(
                block.streamId(),
                block.baseOffset(),
                endOffset,
                position,
                sizeBytes,
                records,
                maxTimestampMs,
                block.dataCrc());
    }

    private long search(long from) {
        long position = from;
        while (position + ObjectFormat.BLOCK_HEADER_BYTES <= end) {
            int length = (int) Math.min(CHUNK_BYTES, end - position);
            ByteBuffer chunk = source.read(position, length);
            for (int at = 0; at <= length - ObjectFormat.BLOCK_HEADER_BYTES; at++) {
                Optional<FoundBlock> found = ObjectParts.blockHeader(chunk, at);
                if (found.isPresent() && fits(position + at, found.get())) {
                    return position + at;
                }
            }
            position += length - ObjectFormat.BLOCK_HEADER_BYTES + 1;
        }
        return -1;
    }
}
