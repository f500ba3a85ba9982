// SPDX-License-Identifier: Apache-2.0
/** Finds out from the objects of a bucket alone what its streams were: pure functions, free of threads, for a tool. */
@NullMarked
package io.freshet.storage.rebuild;

import org.jspecify.annotations.NullMarked;
