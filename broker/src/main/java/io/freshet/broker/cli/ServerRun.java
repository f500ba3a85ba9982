// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.server.NodeServer;
import io.freshet.common.runtime.Threads;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps a started server until the process is told to stop, or a part of it has failed for good; then stops it. */
final class ServerRun {
    private static final Logger LOG = LoggerFactory.getLogger(ServerRun.class);
    private static final Duration LAST_STOP_TIMEOUT = Duration.ofSeconds(30);

    private ServerRun() {}

    /**
     * Blocks until SIGTERM, SIGINT or the failure of a part. The server is closed before the process ends.
     *
     * @return exit code: 1 after a failure; a signal's code is the JVM's own (128 and its number)
     */
    static int untilStopped(NodeServer server) throws InterruptedException {
        CompletableFuture<Integer> ended = new CompletableFuture<>();
        Thread hook = Threads.newThread("shutdown", () -> {
            LOG.info("Stopping");
            server.close();
            LOG.info("Stopped");
            ended.complete(0);
        });
        Runtime.getRuntime().addShutdownHook(hook);
        server.failure().thenAccept(reason -> ended.complete(1));
        int code = ended.join();
        if (code != 0) {
            stopFailed(server);
        }
        return code;
    }

    /** A failed part may hang while it is closed: the process ends all the same. */
    private static void stopFailed(NodeServer server) throws InterruptedException {
        Thread closing = Threads.newThread("stop-after-failure", server::close);
        closing.start();
        closing.join(LAST_STOP_TIMEOUT.toMillis());
        if (closing.isAlive()) {
            LOG.error("The server did not close within {} s; the process ends now", LAST_STOP_TIMEOUT.toSeconds());
            Runtime.getRuntime().halt(1);
        }
    }
}
