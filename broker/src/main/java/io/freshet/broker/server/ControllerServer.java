// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.config.ServerConfig;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.console.StorageSource;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.QuorumNode;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A node that votes, or may be given a vote, and serves no clients: the metadata log and the controller listener, no storage.
 * {@link #start} returns when its peers can reach it; a leader may come later.
 */
public final class ControllerServer implements NodeServer {
    private final ServerConfig config;
    private final OpenedParts opened = new OpenedParts();
    private final Readiness readiness = new Readiness();
    private final EndOfService endOfService = new EndOfService(reason -> readiness.phase("stopping: " + reason));
    private final QuorumNode node;
    private boolean closed;

    private ControllerServer(ServerConfig config, Clock clock) {
        this.config = config;
        PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        opened.add("metrics", meters::close);
        try {
            Runtime runtime = new Runtime(
                    clock,
                    opened.add("scheduler", Threads.scheduler("freshet-scheduler")),
                    Randomness.secure(),
                    meters);
            this.node = wire(runtime);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    /**
     * Starts a controller in a formatted directory. Fails with INVALID for a wrong configuration or an unformatted directory,
     * UNAVAILABLE for a port or disk that cannot be had; then nothing is left running.
     */
    public static ControllerServer start(ServerConfig config) {
        return start(config, Clock.system());
    }

    static ControllerServer start(ServerConfig config, Clock clock) {
        return new ControllerServer(config, clock);
    }

    private QuorumNode wire(Runtime runtime) {
        HttpWiring http = new HttpWiring(config, runtime);
        http.bindProcessMetrics(opened);
        http.start(readiness, StorageSource.NONE, opened);
        MetadataFormat.requireFormatted(config.metadataDirectory());
        readiness.phase("waiting for the metadata quorum's leader");
        QuorumNode started = new MetadataWiring(config, runtime).launch(Optional.empty(), opened);
        endOfService.watchMetadata(started.fault());
        started.ready().thenRun(() -> readiness.ready(List::of));
        return started;
    }

    /** This node's part of the quorum. */
    QuorumNode node() {
        return node;
    }

    @Override
    public String describe() {
        return "controller " + config.nodeId() + " of cluster " + node.clusterId() + " on "
                + config.advertisedControllerHost() + ":" + config.quorum().advertisedPort();
    }

    @Override
    public CompletableFuture<FreshetException> failure() {
        return endOfService.failure();
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            opened.close();
        }
    }
}
