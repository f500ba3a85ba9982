// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import io.freshet.common.runtime.Clock;
import io.freshet.protocol.EnabledApis;
import io.freshet.protocol.KafkaServerConfig;
import io.freshet.protocol.RequestHandler;

/** What all connections of one server share. */
record ServerParts(
        KafkaServerConfig config,
        RequestHandler handler,
        EnabledApis apis,
        RequestMemory memory,
        ConnectionCounts counts,
        NetworkMetrics metrics,
        Clock clock,
        RateLimitedLog log) {}
