// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.stream;

import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.read.SegmentReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Aborted transactions of committed segments. A segment lists the transactions whose marker it holds, so that the search
 * goes on behind the asked range until an entry proves that nothing older can follow (Kafka's transaction index has the same
 * rule). Lists are kept per segment: they never change. Safe for use by many threads.
 */
final class AbortedSearch {
    private static final int MAX_KEPT_SEGMENTS = 4096;

    private final SegmentWindow segments;
    private final SegmentReader reader;
    private final Map<StreamSegment, List<AbortedTransaction>> kept = new ConcurrentHashMap<>();

    AbortedSearch(SegmentWindow segments, SegmentReader reader) {
        this.segments = segments;
        this.reader = reader;
    }

    CompletableFuture<List<AbortedTransaction>> overlapping(long fromOffset, long toOffset) {
        return Reloading.whileMissing(
                () -> search(segments.from(fromOffset), 0, fromOffset, toOffset, new ArrayList<>()));
    }

    private CompletableFuture<List<AbortedTransaction>> search(
            List<StreamSegment> all, int index, long from, long to, List<AbortedTransaction> found) {
        for (int i = index; i < all.size(); i++) {
            StreamSegment segment = all.get(i);
            List<AbortedTransaction> known = kept.get(segment);
            if (known == null) {
                int next = i + 1;
                return reader.checkpoint(segment).thenCompose(checkpoint -> {
                    keep(segment, checkpoint);
                    return collect(checkpoint.abortedTransactions(), from, to, found)
                            ? CompletableFuture.completedFuture(found)
                            : search(all, next, from, to, found);
                });
            }
            if (collect(known, from, to, found)) {
                break;
            }
        }
        return CompletableFuture.completedFuture(found);
    }

    private void keep(StreamSegment segment, SegmentCheckpoint checkpoint) {
        if (kept.size() >= MAX_KEPT_SEGMENTS) {
            kept.clear();
        }
        kept.put(segment, checkpoint.abortedTransactions());
    }

    private static boolean collect(
            List<AbortedTransaction> transactions, long from, long to, List<AbortedTransaction> found) {
        for (AbortedTransaction transaction : transactions) {
            if (transaction.lastOffset() >= from && transaction.firstOffset() < to) {
                found.add(transaction);
            }
            if (transaction.lastStableOffset() >= to) {
                return true;
            }
        }
        return false;
    }
}
