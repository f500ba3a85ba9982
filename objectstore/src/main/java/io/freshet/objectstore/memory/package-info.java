// SPDX-License-Identifier: Apache-2.0
/** The store that keeps objects on the heap. It has no threads: calls complete on the caller's. */
@NullMarked
package io.freshet.objectstore.memory;

import org.jspecify.annotations.NullMarked;
