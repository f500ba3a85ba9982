// SPDX-License-Identifier: Apache-2.0
/**
 * The network front end: {@link io.freshet.protocol.KafkaServer} listens, frames and parses requests on Netty event
 * loops, hands each to a {@link io.freshet.protocol.RequestHandler}, and writes responses in request order.
 */
@NullMarked
package io.freshet.protocol;

import org.jspecify.annotations.NullMarked;
