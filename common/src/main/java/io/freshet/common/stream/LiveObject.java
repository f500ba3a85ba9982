// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

/**
 * An object that manifests name.
 *
 * @param objectId the object
 * @param sizeBytes its size in the store
 * @param liveSegments how many segments of it manifests name
 */
public record LiveObject(long objectId, long sizeBytes, int liveSegments) {}
