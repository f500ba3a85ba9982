// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.server.BrokerServer;
import io.freshet.common.runtime.Threads;
import java.util.concurrent.CountDownLatch;

/** Keeps a started server until the process is told to stop, then stops it cleanly. */
final class ServerRun {
    private ServerRun() {}

    /** Blocks until SIGTERM or SIGINT; the server is closed before the process ends. */
    static int untilStopped(BrokerServer server) throws InterruptedException {
        CountDownLatch closed = new CountDownLatch(1);
        Thread hook = Threads.newThread("shutdown", () -> {
            server.close();
            closed.countDown();
        });
        Runtime.getRuntime().addShutdownHook(hook);
        closed.await();
        return 0;
    }
}
