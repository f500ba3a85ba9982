// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.stream.StreamSegment;
import java.util.List;

/**
 * The answer to a {@link ManifestQuery}.
 *
 * @param offset the log offset that all of it is the fold of
 * @param pages for the first streams of the query, in its order; one at least
 */
public record ManifestPages(long offset, List<Page> pages) {
    public ManifestPages {
        pages = List.copyOf(pages);
    }

    /**
     * @param segments in offset order; none of a stream that does not exist
     * @param isLast whether no segments follow these
     */
    public record Page(long streamId, List<StreamSegment> segments, boolean isLast) {
        public Page {
            segments = List.copyOf(segments);
        }
    }
}
