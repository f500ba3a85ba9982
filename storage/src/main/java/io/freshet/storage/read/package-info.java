// SPDX-License-Identifier: Apache-2.0
/** Reads of committed segments from objects, through the shared block cache. Completions run on the object store's threads. */
@NullMarked
package io.freshet.storage.read;

import org.jspecify.annotations.NullMarked;
