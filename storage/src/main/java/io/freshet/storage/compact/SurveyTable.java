// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import java.nio.ByteBuffer;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * Objects, ascending by id, 28 bytes each in scratch space, which is kept when the table is emptied. As a list it is a view.
 * Used by one thread.
 */
final class SurveyTable extends AbstractList<ObjectShare> implements RandomAccess {
    static final long NOT_NAMED = -1;

    private static final int ROW_BYTES = 28;
    private static final int SIZE_AT = 8;
    private static final int LIVE_BYTES_AT = 16;
    private static final int LIVE_SEGMENTS_AT = 24;
    private static final int CHUNK_ROWS = 1 << 13;

    private final ScratchSpace scratch;
    private final List<ByteBuffer> chunks = new ArrayList<>();
    private int count;
    private long sizeBytes;

    SurveyTable(ScratchSpace scratch) {
        this.scratch = scratch;
    }

    @Override
    public int size() {
        return count;
    }

    /** Of all objects, in the store. */
    long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public ObjectShare get(int place) {
        Objects.checkIndex(place, count);
        ByteBuffer chunk = chunk(place);
        int at = at(place);
        return new ObjectShare(
                chunk.getLong(at),
                chunk.getLong(at + SIZE_AT),
                chunk.getInt(at + LIVE_SEGMENTS_AT),
                chunk.getLong(at + LIVE_BYTES_AT));
    }

    long id(int place) {
        return chunk(place).getLong(at(place));
    }

    /** Where {@code objectId} stands, or a negative number. */
    int find(long objectId) {
        int low = 0;
        int high = count - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            long id = id(middle);
            if (id == objectId) {
                return middle;
            }
            if (id < objectId) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return -1;
    }

    @Override
    public void clear() {
        count = 0;
        sizeBytes = 0;
    }

    /** Adds an object that no manifest names as yet; its id is above all others. */
    void append(long objectId, long objectBytes, int liveSegments) {
        if (count == chunks.size() * CHUNK_ROWS) {
            chunks.add(scratch.chunk(CHUNK_ROWS * ROW_BYTES));
        }
        put(count++, objectId, objectBytes, liveSegments, NOT_NAMED);
        sizeBytes += objectBytes;
    }

    void addLiveBytes(int place, long bytes) {
        int at = at(place) + LIVE_BYTES_AT;
        ByteBuffer chunk = chunk(place);
        chunk.putLong(at, Math.max(0, chunk.getLong(at)) + bytes);
    }

    /** Takes out what no manifest names. */
    void dropUnnamed() {
        int before = count;
        clear();
        for (int place = 0; place < before; place++) {
            ByteBuffer chunk = chunk(place);
            int at = at(place);
            long live = chunk.getLong(at + LIVE_BYTES_AT);
            if (live != NOT_NAMED) {
                long objectBytes = chunk.getLong(at + SIZE_AT);
                put(count++, chunk.getLong(at), objectBytes, chunk.getInt(at + LIVE_SEGMENTS_AT), live);
                sizeBytes += objectBytes;
            }
        }
    }

    private void put(int place, long objectId, long objectBytes, int liveSegments, long liveBytes) {
        ByteBuffer chunk = chunk(place);
        int at = at(place);
        chunk.putLong(at, objectId);
        chunk.putLong(at + SIZE_AT, objectBytes);
        chunk.putLong(at + LIVE_BYTES_AT, liveBytes);
        chunk.putInt(at + LIVE_SEGMENTS_AT, liveSegments);
    }

    private ByteBuffer chunk(int place) {
        return chunks.get(place / CHUNK_ROWS);
    }

    private static int at(int place) {
        return place % CHUNK_ROWS * ROW_BYTES;
    }
}
