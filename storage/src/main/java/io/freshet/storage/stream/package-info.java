// SPDX-License-Identifier: Apache-2.0
/**
 * The handle of an open stream: appends to the tail, reads that join tail and objects, look-ups by time, trims. Runs on
 * the caller's thread and on those that complete object reads; nothing here blocks.
 */
@NullMarked
package io.freshet.storage.stream;

import org.jspecify.annotations.NullMarked;
