// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

/**
 * What of one partition could be cleaned now.
 *
 * @param firstDirtyOffset keys from here on have not been compared with older ones
 * @param endOffset end of what may be cleaned, exclusive; a segment ends here
 * @param cleanBytes bytes of the segments that begin below the first dirty offset
 * @param dirtyBytes bytes of the segments from the one that holds the first dirty offset to the end
 * @param isForced whether {@code max.compaction.lag.ms} has passed for a dirty record
 * @param isWorthIt whether enough has come together for a new object: an active segment of Kafka's would have been closed
 */
record CleanableRange(
        long firstDirtyOffset, long endOffset, long cleanBytes, long dirtyBytes, boolean isForced, boolean isWorthIt) {
    /** Share of the dirty bytes, 0 to 1; 0 if there are no bytes at all. */
    double dirtyRatio() {
        long all = cleanBytes + dirtyBytes;
        return all == 0 ? 0 : (double) dirtyBytes / all;
    }

    /** Whether to clean now under {@code min.cleanable.dirty.ratio}. */
    boolean isDue(double minCleanableRatio) {
        boolean isDirtyEnough = isWorthIt && dirtyRatio() > minCleanableRatio;
        return dirtyBytes > 0 && (isForced || isDirtyEnough);
    }
}
