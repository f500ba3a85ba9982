// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

/**
 * Group boundaries in the live part of the log, so that a trim can tell up to where space is free. Keeps at most about
 * {@value #MAX_STARTS} of them by leaving out those closer together than that share of the ring. Single writer: the lane.
 */
final class GroupStarts {
    private static final int MAX_STARTS = 1 << 16;

    private final long minDistanceBytes;
    private long[] starts = new long[16];
    private int head;
    private int count;
    private long firstLsn;

    GroupStarts(long firstLsn, long ringSizeBytes) {
        this.firstLsn = firstLsn;
        this.minDistanceBytes = ringSizeBytes / (MAX_STARTS - 1);
    }

    /** Where recovery would have to start to read. */
    long firstLsn() {
        return firstLsn;
    }

    /** A group begins at {@code lsn}, which is higher than all before. */
    void add(long lsn) {
        long last = count == 0 ? firstLsn : starts[(head + count - 1) & (starts.length - 1)];
        if (lsn == last || lsn - last < minDistanceBytes) {
            return;
        }
        if (count == starts.length) {
            grow();
        }
        starts[(head + count) & (starts.length - 1)] = lsn;
        count++;
    }

    /** The last known boundary at or below {@code lsn}. */
    long floor(long lsn) {
        long floor = firstLsn;
        for (int i = 0; i < count; i++) {
            long start = starts[(head + i) & (starts.length - 1)];
            if (start > lsn) {
                break;
            }
            floor = start;
        }
        return floor;
    }

    /** Forgets everything below {@code lsn}, a boundary or the end of the log. */
    void dropBelow(long lsn) {
        while (count > 0 && starts[head] <= lsn) {
            head = (head + 1) & (starts.length - 1);
            count--;
        }
        firstLsn = lsn;
    }

    private void grow() {
        long[] larger = new long[starts.length * 2];
        for (int i = 0; i < count; i++) {
            larger[i] = starts[(head + i) & (starts.length - 1)];
        }
        starts = larger;
        head = 0;
    }
}
