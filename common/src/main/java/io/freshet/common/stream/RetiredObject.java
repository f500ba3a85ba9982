// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

/**
 * An object that no manifest names any more and that waits for its deletion.
 *
 * @param objectId the object
 * @param retiredAtMs wall-clock time of the command that retired it; it may be deleted a grace period later
 */
public record RetiredObject(long objectId, long retiredAtMs) {}
