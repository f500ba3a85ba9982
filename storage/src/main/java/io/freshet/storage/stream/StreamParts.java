// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.stream;

import io.freshet.storage.StreamMetadata;
import io.freshet.storage.read.SegmentReader;
import io.freshet.storage.recovery.SealedTails;
import io.freshet.storage.tail.Backpressure;
import io.freshet.storage.tail.StreamTails;
import io.freshet.storage.tail.TailMemory;
import io.freshet.storage.tail.WalLanes;
import io.freshet.storage.upload.Uploader;

/** What all open streams of a broker share. */
public record StreamParts(
        StreamMetadata metadata,
        SegmentReader reader,
        StreamTails tails,
        TailMemory memory,
        WalLanes lanes,
        Backpressure backpressure,
        Uploader uploader,
        SealedTails sealed,
        StreamMeters meters) {}
