// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.SegmentCheckpoint.EpochStart;
import java.util.ArrayList;
import java.util.List;

/** The checkpoint of a segment made of several: the last one's state, with what only the former ones say. */
final class Checkpoints {
    private Checkpoints() {}

    /** {@code ordered} are the inputs' checkpoints in offset order, at least one. */
    static SegmentCheckpoint merged(List<SegmentCheckpoint> ordered) {
        SegmentCheckpoint last = ordered.get(ordered.size() - 1);
        if (ordered.size() == 1) {
            return last;
        }
        List<AbortedTransaction> aborted = new ArrayList<>();
        List<EpochStart> epochs = new ArrayList<>();
        for (SegmentCheckpoint checkpoint : ordered) {
            aborted.addAll(checkpoint.abortedTransactions());
            epochs = continued(epochs, checkpoint.epochStarts());
        }
        return new SegmentCheckpoint(last.endOffset(), epochs, last.producerState(), aborted);
    }

    /**
     * {@code younger} with what it does not say any more of the offsets before its own: the older epochs, and where its first
     * one really began.
     */
    private static List<EpochStart> continued(List<EpochStart> older, List<EpochStart> younger) {
        if (younger.isEmpty()) {
            return older;
        }
        EpochStart first = younger.get(0);
        List<EpochStart> all = new ArrayList<>();
        for (EpochStart epoch : older) {
            if (epoch.leaderEpoch() <= first.leaderEpoch() && epoch.startOffset() < first.startOffset()) {
                all.add(epoch);
            }
        }
        boolean isFirstKnown = !all.isEmpty() && all.get(all.size() - 1).leaderEpoch() == first.leaderEpoch();
        all.addAll(younger.subList(isFirstKnown ? 1 : 0, younger.size()));
        return all;
    }
}
