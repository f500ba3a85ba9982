// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

/**
 * An address to listen on.
 *
 * @param name the listener's name as in {@code listeners}
 * @param host the local address or host name to bind
 * @param port the port to bind; 0 picks a free one
 */
public record Listener(String name, String host, int port) {}
