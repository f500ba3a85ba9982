// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.recovery;

import io.freshet.common.buffer.SharedBytes;

/**
 * A record that a lane holds and the quorum has not committed whole.
 *
 * @param lane the lane's index
 * @param bytes a copy of the payload, referenced until the streams are joined
 */
record FoundRecord(
        int lane, String laneName, long lsn, int leaderEpoch, long baseOffset, long endOffset, SharedBytes bytes) {}
