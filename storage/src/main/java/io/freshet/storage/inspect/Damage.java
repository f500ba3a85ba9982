// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

/**
 * Something in an object that does not verify.
 *
 * @param part header, block, trailers, index, footer or batch
 * @param position byte address in the object where the part begins
 * @param message what is wrong, with values
 */
public record Damage(String part, long position, String message) {}
