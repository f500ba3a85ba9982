// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;

/**
 * Settings of one block lane.
 *
 * @param brokerId the only broker that may open this WAL once it is formatted
 * @param brokerEpoch the owner's broker epoch as far as known at opening (0: not known); kept for inspection
 * @param maxGroupBytes limit of one group write and size of the staging buffer; a multiple of 4096
 * @param maxRecordBytes limit of one payload
 */
public record BlockWalConfig(int brokerId, long brokerEpoch, int maxGroupBytes, int maxRecordBytes) {
    /** Beyond 2 MiB a single O_DIRECT write gained nothing on the disks measured, and lone records wait longer. */
    public static final int DEFAULT_MAX_GROUP_BYTES = 2 << 20;

    public static final int DEFAULT_MAX_RECORD_BYTES = 128 << 20;

    public BlockWalConfig {
        if (maxGroupBytes < 2 * RingGeometry.BLOCK_BYTES || maxGroupBytes % RingGeometry.BLOCK_BYTES != 0) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "A WAL group limit of " + maxGroupBytes + " bytes is not a multiple of 4096 of at least 8192");
        }
        if (maxRecordBytes < 1 || maxRecordBytes > 1 << 30) {
            throw new FreshetException(
                    ErrorKind.INVALID, "A WAL record limit of " + maxRecordBytes + " bytes is not in 1..1073741824");
        }
    }

    /** The defaults for one broker. */
    public static BlockWalConfig of(int brokerId) {
        return new BlockWalConfig(brokerId, 0, DEFAULT_MAX_GROUP_BYTES, DEFAULT_MAX_RECORD_BYTES);
    }
}
