// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

/**
 * A segment that an upload wants to add to its stream's manifest.
 *
 * @param segment the segment; its start must equal the manifest's end
 * @param leaderEpoch the ownership under which the uploader holds the stream; an older one is refused (FENCED)
 */
public record SegmentCommit(StreamSegment segment, int leaderEpoch) {}
