// SPDX-License-Identifier: Apache-2.0
/**
 * The write-ahead log port: {@link io.freshet.wal.WriteAheadLog}, one instance per lane. Lanes live in sub-packages.
 */
@NullMarked
package io.freshet.wal;

import org.jspecify.annotations.NullMarked;
