// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.config.ServerConfig;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.MetadataFormat;
import java.util.UUID;
import org.apache.kafka.common.Uuid;

/** Gives a node's metadata directory its identity. */
final class Formatting {
    private static final String CONTROLLER_HOST = "localhost";
    private static final int CONTROLLER_PORT = 9093;

    private Formatting() {}

    /** Formats the directory of {@code config} as the only voter of {@code clusterId}, and returns that id. */
    static String format(ServerConfig config, String clusterId) {
        UUID random = Randomness.secure().nextUuid();
        MetadataFormat.format(
                config.metadataDirectory(),
                clusterId,
                config.nodeId(),
                new Uuid(random.getMostSignificantBits(), random.getLeastSignificantBits()),
                CONTROLLER_HOST,
                CONTROLLER_PORT);
        return clusterId;
    }
}
