// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes read back from objects: blocks in pre-bounded memory outside the heap, and parsed object indexes on the heap. Shared
 * by all readers; safe for use by many threads. Loads complete on the object store's threads.
 */
@NullMarked
package io.freshet.storage.cache;

import org.jspecify.annotations.NullMarked;
