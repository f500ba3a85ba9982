// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import io.freshet.tests.bench.StoreProxy;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** An S3 server behind a {@link StoreProxy} in a process of its own, for {@code tests/bench/s3wal.sh}. */
public final class S3ServerProcess {
    private S3ServerProcess() {}

    /** Arguments: folder, bucket, seed of the latency or 0 for none. Prints the proxy's port and runs until killed. */
    public static void main(String[] arguments) throws Exception {
        S3Server server = S3Server.start(Path.of(arguments[0]), arguments[1]);
        StoreProxy proxy = StoreProxy.start(server.port(), Long.parseLong(arguments[2]));
        System.out.println("port " + proxy.port());
        new CountDownLatch(1).await();
    }
}
