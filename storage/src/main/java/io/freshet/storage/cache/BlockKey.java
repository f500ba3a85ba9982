// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.cache;

/** A block by its object and position. */
record BlockKey(long objectId, long position) {}
