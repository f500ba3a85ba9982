// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.tail;

import io.freshet.common.buffer.SharedBytes;

/**
 * A record that a WAL holds and the quorum has not committed whole.
 *
 * @param lane index of the lane that must keep it until it is committed; {@link #FOREIGN} if it is in a sealed WAL, which the
 *     quorum keeps
 * @param source for messages: the lane's name, or the WAL
 * @param lsn place in the lane
 * @param bytes a copy of the payload, referenced until it is joined
 */
public record RecoveredRecord(
        int lane, String source, long lsn, int leaderEpoch, long baseOffset, long endOffset, SharedBytes bytes) {
    /** In none of this process's lanes. */
    public static final int FOREIGN = -1;
}
