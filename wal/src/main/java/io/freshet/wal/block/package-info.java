// SPDX-License-Identifier: Apache-2.0
/**
 * The block lane: a write-ahead log in a ring on one preallocated file or raw device. {@link io.freshet.wal.block.BlockWal}
 * is the entrance, {@link io.freshet.wal.block.BlockDevice} the port to the bytes. One thread per lane writes; opening and
 * recovery run on the opener's thread before that thread starts.
 */
@NullMarked
package io.freshet.wal.block;

import org.jspecify.annotations.NullMarked;
