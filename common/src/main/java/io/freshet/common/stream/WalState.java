// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

/**
 * What the quorum knows of one S3 WAL: the slots that one process of a broker wrote.
 *
 * @param brokerId the owner
 * @param brokerEpoch the owner's registration
 * @param startSlot first slot that may hold records which no object holds; slots below are, or may be, deleted
 * @param sealedEndSlot slot after the last one that counts; −1 while the WAL is not sealed
 */
public record WalState(int brokerId, long brokerEpoch, long startSlot, long sealedEndSlot) {
    /** The end of a WAL that its owner may still write. */
    public static final long NOT_SEALED = -1;

    public boolean isSealed() {
        return sealedEndSlot != NOT_SEALED;
    }

    /** Whether all of its records are in objects: then its slots are, or may be, deleted. */
    public boolean isFreed() {
        return isSealed() && startSlot >= sealedEndSlot;
    }
}
