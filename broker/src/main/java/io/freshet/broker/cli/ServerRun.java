// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.server.NodeServer;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Threads;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a started server until the process is told to stop, or a part of it has failed for good; then stops it. A server
 * whose session has lapsed, after a pause or a lost network, is started anew in this process.
 */
final class ServerRun {
    private static final Logger LOG = LoggerFactory.getLogger(ServerRun.class);
    private static final int NOT_TOLD = -1;
    private static final Duration RESTART_PAUSE = Duration.ofSeconds(2);
    private static final Duration LAST_STOP_TIMEOUT = Duration.ofSeconds(30);
    /** A store that is away holds up what is under way for as long as its requests are tried; nothing is served meanwhile. */
    private static final Duration STOP_BEFORE_REJOIN_TIMEOUT = Duration.ofMinutes(3);

    private final CompletableFuture<Integer> told = new CompletableFuture<>();
    private volatile NodeServer running;

    private ServerRun(NodeServer server) {
        running = server;
    }

    /**
     * Blocks until SIGTERM, SIGINT or the failure of a part. The server is closed before the process ends.
     *
     * @param again starts the server once more
     * @return exit code: 1 after a failure; a signal's code is the JVM's own (128 and its number)
     */
    static int untilStopped(NodeServer server, Supplier<NodeServer> again) throws InterruptedException {
        return new ServerRun(server).run(again);
    }

    private int run(Supplier<NodeServer> again) throws InterruptedException {
        Runtime.getRuntime().addShutdownHook(Threads.newThread("shutdown", this::stop));
        while (true) {
            NodeServer server = running;
            CompletableFuture<Integer> ended = told.copy();
            server.failure().thenAccept(reason -> ended.complete(1));
            int code = ended.join();
            if (code == 0) {
                return code;
            }
            boolean mayRejoin = server.mayRejoin();
            stopFailed(server, mayRejoin ? STOP_BEFORE_REJOIN_TIMEOUT : LAST_STOP_TIMEOUT);
            if (!mayRejoin || told.isDone()) {
                return code;
            }
            LOG.info("Starting anew, to join the cluster again");
            Optional<NodeServer> back = startAnew(again);
            if (back.isEmpty()) {
                return 0;
            }
            running = back.get();
            LOG.info("Back: {}", running.describe());
        }
    }

    /** Tries until the store and the quorum can be reached, or the process is told to stop, then empty. */
    private Optional<NodeServer> startAnew(Supplier<NodeServer> again) {
        while (true) {
            try {
                return Optional.of(again.get());
            } catch (FreshetException e) {
                if (e.kind() != ErrorKind.UNAVAILABLE && e.kind() != ErrorKind.INDETERMINATE) {
                    throw e;
                }
                LOG.warn("Not back yet, trying again in {} s: {}", RESTART_PAUSE.toSeconds(), e.getMessage());
            }
            CompletableFuture<Integer> pause = told.copy();
            if (pause.completeOnTimeout(NOT_TOLD, RESTART_PAUSE.toMillis(), TimeUnit.MILLISECONDS)
                            .join()
                    != NOT_TOLD) {
                return Optional.empty();
            }
        }
    }

    private void stop() {
        LOG.info("Stopping");
        running.close();
        LOG.info("Stopped");
        told.complete(0);
    }

    /** A failed part may hang while it is closed: the process ends all the same. */
    private static void stopFailed(NodeServer server, Duration timeout) throws InterruptedException {
        Thread closing = Threads.newThread("stop-after-failure", server::close);
        closing.start();
        closing.join(timeout.toMillis());
        if (closing.isAlive()) {
            LOG.error("The server did not close within {} s; the process ends now", timeout.toSeconds());
            Runtime.getRuntime().halt(1);
        }
    }
}
