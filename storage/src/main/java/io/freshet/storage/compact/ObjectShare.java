// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

/**
 * An object and what of it is still named by manifests.
 *
 * @param objectId the object
 * @param sizeBytes its size in the store
 * @param liveSegments its segments in manifests
 * @param liveBytes bytes of record batches of those segments
 */
public record ObjectShare(long objectId, long sizeBytes, int liveSegments, long liveBytes) {
    /** Whether manifests of several streams name it. */
    boolean isBundle() {
        return liveSegments > 1;
    }
}
