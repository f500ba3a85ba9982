// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.List;

/**
 * A question for manifests of several streams.
 *
 * @param minOffset the answer must be the fold of the log up to here at least
 * @param isByStart whether segments are wanted that start at the offset or behind it; else from the one that holds the offset on
 * @param streams which, and from where on
 * @param limitPerStream at most so many segments of each
 * @param limit at most so many segments in all; streams for which nothing is left are not answered
 */
public record ManifestQuery(long minOffset, boolean isByStart, List<From> streams, int limitPerStream, int limit) {
    /** What one query may ask for. */
    public static final int MAX_STREAMS = 1_000;

    public static final int MAX_SEGMENTS = 10_000;

    public ManifestQuery {
        streams = List.copyOf(streams);
        boolean isBounded = streams.size() <= MAX_STREAMS && limit <= MAX_SEGMENTS;
        if (!isBounded || limit < 1 || limitPerStream < 1) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "A query for " + limit + " segments (" + limitPerStream + " each) of " + streams.size()
                            + " streams; ask for 1 to " + MAX_SEGMENTS + " of " + MAX_STREAMS + " at most");
        }
    }

    /** From {@code offset} of a stream on. */
    public record From(long streamId, long offset) {}
}
