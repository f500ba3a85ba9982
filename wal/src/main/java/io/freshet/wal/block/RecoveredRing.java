// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

/**
 * What recovery found.
 *
 * @param endLsn where the next group goes; a multiple of 4096
 * @param previousEndLsn LSN after the last record, {@code endLsn} if there is none
 * @param groupStarts the boundaries of the groups found
 * @param recordCount records handed to the visitor
 */
record RecoveredRing(long endLsn, long previousEndLsn, GroupStarts groupStarts, long recordCount) {}
