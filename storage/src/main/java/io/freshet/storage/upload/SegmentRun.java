// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.upload;

import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.format.SegmentContent;
import io.freshet.storage.tail.StreamTail;
import io.freshet.storage.tail.TailRun;

/**
 * One stream's part of an upload.
 *
 * @param tail the stream
 * @param leaderEpoch the ownership under which the run was taken
 * @param run its batches, referenced until the object is written
 * @param checkpoint the owner's state at the run's end
 */
record SegmentRun(StreamTail tail, int leaderEpoch, TailRun run, SegmentCheckpoint checkpoint) {
    SegmentContent content() {
        return new SegmentContent(tail.streamId(), run.startOffset(), run.endOffset(), run.batches(), checkpoint);
    }
}
