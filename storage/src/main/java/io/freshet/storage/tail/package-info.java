// SPDX-License-Identifier: Apache-2.0
/**
 * The tail in memory: batches handed to the WAL and not yet evicted, their exact byte accounting, and the WAL space they
 * occupy. Called from owners' threads, the WAL lane's thread, readers and the upload executor; every lock is held for
 * memory operations only.
 */
@NullMarked
package io.freshet.storage.tail;

import org.jspecify.annotations.NullMarked;
