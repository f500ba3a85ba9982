// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.read;

/**
 * What one read asks of a segment.
 *
 * @param offset first offset wanted
 * @param maxBytes bytes wanted at most
 * @param endOffset no batch that begins here or later
 * @param minOneBatch whether the first batch counts even if it is larger than {@code maxBytes}
 */
record ReadRequest(long streamId, long offset, int maxBytes, long endOffset, boolean minOneBatch) {}
