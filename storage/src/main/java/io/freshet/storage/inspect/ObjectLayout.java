// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

import io.freshet.storage.format.BlockEntry;
import io.freshet.storage.format.ObjectFooter;
import io.freshet.storage.format.ObjectParts;
import io.freshet.storage.format.SegmentTrailer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an object holds, as far as it can be read, and the damages found on the way.
 *
 * @param objectId the id it was looked up by, or else the one that it claims; −1 if it claims none
 * @param sizeBytes its size
 * @param header null if damaged
 * @param footer null if damaged
 * @param segments from the trailers; empty if they are damaged
 * @param blocks from the index, or found by their own headers if that is damaged
 * @param isIndexRead whether {@code blocks} stand in a sound index
 * @param damages of header, footer, trailers, index and (without an index) blocks
 */
public record ObjectLayout(
        long objectId,
        long sizeBytes,
        ObjectParts.@Nullable Header header,
        @Nullable ObjectFooter footer,
        List<SegmentTrailer> segments,
        List<BlockEntry> blocks,
        boolean isIndexRead,
        List<Damage> damages) {
    public ObjectLayout {
        segments = List.copyOf(segments);
        blocks = List.copyOf(blocks);
        damages = List.copyOf(damages);
    }
}
