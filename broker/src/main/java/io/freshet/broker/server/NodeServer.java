// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.ServerConfig;
import io.freshet.common.FreshetException;
import java.util.concurrent.CompletableFuture;

/** A started node, whatever its roles. */
public interface NodeServer extends AutoCloseable {
    /**
     * Starts what {@code process.roles} says.
     *
     * @throws FreshetException as {@link BrokerServer#start(ServerConfig)} and {@link ControllerServer#start}
     */
    static NodeServer start(ServerConfig config) {
        return config.quorum().isBroker() ? BrokerServer.start(config) : ControllerServer.start(config);
    }

    /** One line for logs. */
    String describe();

    /**
     * Completes with the reason when a part has failed that the node cannot do without: close it and end the process. May
     * never complete.
     */
    CompletableFuture<FreshetException> failure();

    /** After {@link #failure()}: whether the same node may be started anew in this process, since nobody has taken its place. */
    default boolean mayRejoin() {
        return false;
    }

    /** Stops everything; nothing is left running. */
    @Override
    void close();
}
