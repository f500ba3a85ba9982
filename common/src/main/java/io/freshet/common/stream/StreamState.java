// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

/**
 * What the quorum knows of a stream besides its segments.
 *
 * @param streamId the stream
 * @param leaderEpoch the present ownership
 * @param ownerId broker id of the owner
 * @param startOffset first offset that may be read (moved by retention and DeleteRecords)
 * @param endOffset end of the committed segments, exclusive; equals {@code startOffset} when there are none
 */
public record StreamState(long streamId, int leaderEpoch, int ownerId, long startOffset, long endOffset) {}
