// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.wal.block.BlockDevice;
import io.freshet.wal.block.FileBlockDevice;
import java.nio.file.Path;

/** How the block lane's device is opened: what a test puts a faulty device into. Both methods may block. */
public interface WalDevices {
    /** Opens, locks and at the first start fills it. */
    BlockDevice open(Path path, long sizeBytes);

    /** Opens what {@link #open} had opened before; makes nothing. */
    BlockDevice reopen(Path path);

    /** Files and raw devices of this machine. */
    static WalDevices ofThisMachine() {
        return new WalDevices() {
            @Override
            public BlockDevice open(Path path, long sizeBytes) {
                return FileBlockDevice.open(path, sizeBytes);
            }

            @Override
            public BlockDevice reopen(Path path) {
                return FileBlockDevice.reopen(path);
            }
        };
    }
}
