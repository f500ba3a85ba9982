// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import io.freshet.common.runtime.Clock;
import io.freshet.protocol.net.NettyKafkaServer;
import io.micrometer.core.instrument.MeterRegistry;

/** Starts front ends. */
public final class KafkaServers {
    private KafkaServers() {}

    /**
     * Binds all listeners and serves {@code handler}. Throws FreshetException UNAVAILABLE if an address cannot be bound;
     * nothing is left running then.
     */
    public static KafkaServer start(
            KafkaServerConfig config, RequestHandler handler, EnabledApis apis, MeterRegistry meters, Clock clock) {
        return NettyKafkaServer.start(config, handler, apis, meters, clock);
    }
}
