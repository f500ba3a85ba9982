// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * An object as docs/formats.md describes it, read whole. Shares no code with the product: what one of the two takes for
 * right and the other does not is a mistake in one of them.
 */
final class ObjectFile {
    private static final int HEADER_BYTES = 32;
    private static final int BLOCK_HEADER_BYTES = 32;
    private static final int INDEX_ENTRY_BYTES = 56;
    private static final int FOOTER_BYTES = 68;

    private final String name;
    private final ByteBuffer bytes;
    private final List<Segment> segments = new ArrayList<>();
    private final List<ByteBuffer> blocks = new ArrayList<>();

    /** A segment and where its blocks are. */
    record Segment(long streamId, long startOffset, long endOffset, long sizeBytes, int firstBlock, int blockCount) {}

    private ObjectFile(String name, ByteBuffer bytes) {
        this.name = name;
        this.bytes = bytes;
    }

    /**
     * @param objectId the id that it must have; negative if any will do
     * @throws IllegalStateException naming what is wrong
     */
    static ObjectFile read(String name, byte[] content, long objectId) {
        ObjectFile file = new ObjectFile(name, ByteBuffer.wrap(content));
        file.parse(objectId);
        return file;
    }

    List<Segment> segments() {
        return segments;
    }

    /** The batches of one segment, in order. */
    ByteBuffer content(Segment segment) {
        int size = 0;
        for (int i = 0; i < segment.blockCount(); i++) {
            size += blocks.get(segment.firstBlock() + i).remaining();
        }
        ByteBuffer content = ByteBuffer.allocate(size);
        for (int i = 0; i < segment.blockCount(); i++) {
            content.put(blocks.get(segment.firstBlock() + i).duplicate());
        }
        return content.flip();
    }

    private void parse(long expectedId) {
        int size = bytes.limit();
        require(size >= HEADER_BYTES + FOOTER_BYTES, "is too short");
        requireMagic(0, "FRESHET1");
        long objectId = expectedId < 0 ? bytes.getLong(16) : expectedId;
        requireCrc(0, 28, bytes.getInt(28), "header");
        require(bytes.getInt(8) == 1 && bytes.getLong(16) == objectId, "has another version or id in its header");
        int footer = size - FOOTER_BYTES;
        requireMagic(footer + 60, "1TEHSERF");
        requireCrc(footer, 56, bytes.getInt(footer + 56), "footer");
        require(bytes.getLong(footer) == objectId, "has another id in its footer");
        require(bytes.getInt(footer + 12) == 1 && bytes.getLong(footer + 16) == size, "has another version or size");
        int trailers = (int) bytes.getLong(footer + 24);
        int index = (int) bytes.getLong(footer + 32);
        int blockCount = bytes.getInt(footer + 40);
        int segmentCount = bytes.getInt(footer + 44);
        requireCrc(trailers, index - trailers, bytes.getInt(footer + 48), "trailers");
        requireCrc(index, footer - index, bytes.getInt(footer + 52), "index");
        require(footer - index == (long) blockCount * INDEX_ENTRY_BYTES, "has an index of another length");
        long[] starts = new long[blockCount];
        long[] ends = new long[blockCount];
        long[] streams = new long[blockCount];
        parseBlocks(index, trailers, streams, starts, ends);
        parseTrailers(trailers, index, segmentCount, streams, starts, ends);
    }

    private void parseBlocks(int index, int trailers, long[] streams, long[] starts, long[] ends) {
        int next = HEADER_BYTES;
        for (int block = 0; block < starts.length; block++) {
            int entry = index + block * INDEX_ENTRY_BYTES;
            streams[block] = bytes.getLong(entry);
            starts[block] = bytes.getLong(entry + 8);
            ends[block] = bytes.getLong(entry + 16);
            require(bytes.getLong(entry + 24) == next, "has a gap before block " + block);
            require(bytes.getInt(next) == 0x46424C4B, "has no block at " + next);
            requireCrc(next, 28, bytes.getInt(next + 28), "header of block " + block);
            int length = bytes.getInt(next + 4);
            require(bytes.getLong(next + 8) == streams[block], "names another stream in block " + block);
            require(bytes.getLong(next + 16) == starts[block], "names another offset in block " + block);
            require(bytes.getInt(entry + 48) == length + BLOCK_HEADER_BYTES, "names another length of block " + block);
            requireCrc(next + BLOCK_HEADER_BYTES, length, bytes.getInt(next + 24), "block " + block);
            require(bytes.getInt(entry + 52) == bytes.getInt(next + 24), "has two checksums for block " + block);
            blocks.add(bytes.slice(next + BLOCK_HEADER_BYTES, length));
            next += BLOCK_HEADER_BYTES + length;
        }
        require(next == trailers, "has bytes between blocks and trailers");
    }

    private void parseTrailers(int trailers, int index, int count, long[] streams, long[] starts, long[] ends) {
        int at = trailers;
        int nextBlock = 0;
        for (int i = 0; i < count; i++) {
            Segment segment = new Segment(
                    bytes.getLong(at),
                    bytes.getLong(at + 8),
                    bytes.getLong(at + 16),
                    bytes.getLong(at + 32),
                    bytes.getInt(at + 40),
                    bytes.getInt(at + 44));
            require(segment.firstBlock() == nextBlock, "has blocks of no segment before " + segment);
            nextBlock += segment.blockCount();
            requireTiles(segment, streams, starts, ends);
            segments.add(segment);
            at += 76 + 12 * bytes.getInt(at + 64) + 32 * bytes.getInt(at + 68) + bytes.getInt(at + 72);
        }
        require(at == index && nextBlock == starts.length, "has other trailers than its footer says");
    }

    private void requireTiles(Segment segment, long[] streams, long[] starts, long[] ends) {
        long next = segment.startOffset();
        for (int i = 0; i < segment.blockCount(); i++) {
            int block = segment.firstBlock() + i;
            require(
                    streams[block] == segment.streamId() && starts[block] == next,
                    "has block " + block + " which does not go on in " + segment + " at " + next);
            next = ends[block];
        }
        require(next == segment.endOffset(), "has " + segment + " which its blocks do not fill");
    }

    private void requireMagic(int at, String magic) {
        for (int i = 0; i < magic.length(); i++) {
            require(bytes.get(at + i) == magic.charAt(i), "has no magic at " + at);
        }
    }

    private void requireCrc(int at, int length, int expected, String what) {
        require(at >= 0 && length >= 0 && at + length <= bytes.limit(), "has its " + what + " outside of itself");
        CRC32C crc = new CRC32C();
        crc.update(bytes.slice(at, length));
        require((int) crc.getValue() == expected, "has a damaged " + what);
    }

    private void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException("Object " + name + " " + what);
        }
    }
}
