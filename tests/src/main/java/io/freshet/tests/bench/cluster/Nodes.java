// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.cluster;

import java.io.IOException;
import java.nio.file.Path;

/** Four server processes of one kind on this machine, of which the first three vote in the quorum. Used by one thread. */
interface Nodes extends AutoCloseable {
    int COUNT = 4;
    int VOTERS = 3;

    String kind();

    /** Of the first three nodes. */
    String bootstrap();

    /** Starts the process of a node, 1 to 4, without waiting until it serves. */
    void start(int id) throws IOException;

    /** SIGKILL, and waits for the end. */
    void kill(int id);

    /** All that the node keeps on its own disk. */
    Path folder(int id);

    @Override
    void close();
}
