// SPDX-License-Identifier: Apache-2.0
package io.freshet.common.stream;

import java.util.Map;

/**
 * The statement that an S3 WAL of a dead or fenced process ends. It is made once: a second seal of the same WAL must say the same.
 *
 * @param brokerId the WAL's owner
 * @param brokerEpoch the owner's registration
 * @param endSlot slot after the last one that counts
 * @param streamEnds for each stream with records in a live slot, the end offset of the last one
 */
public record WalSeal(int brokerId, long brokerEpoch, long endSlot, Map<Long, Long> streamEnds) {
    public WalSeal {
        streamEnds = Map.copyOf(streamEnds);
    }
}
