// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import java.util.Map;

/** Listens for Kafka clients. */
public interface KafkaServer extends AutoCloseable {
    /** The bound port of each listener, by listener name (port 0 in the configuration picks a free one). */
    Map<String, Integer> boundPorts();

    /** Stops accepting, lets requests in flight finish for a bounded time, then closes all connections and threads. */
    @Override
    void close();
}
