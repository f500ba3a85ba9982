// SPDX-License-Identifier: Apache-2.0
/**
 * The Netty front end: framing, request memory, connections and their order. A connection's state lives in its event
 * loop; only {@code RequestMemory}, {@code ConnectionCounts} and the answering of a request are open to other threads.
 */
@NullMarked
package io.freshet.protocol.net;

import org.jspecify.annotations.NullMarked;
