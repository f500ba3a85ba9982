// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

/**
 * How large a table of the store is.
 *
 * @param bytes of keys and values
 */
public record TableSize(long rows, long bytes) {}
