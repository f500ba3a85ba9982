// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import io.freshet.broker.config.QuorumSettings;
import io.freshet.broker.config.ServerConfig;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import io.freshet.metadata.MetadataFormat;
import io.freshet.metadata.MetadataFormat.Beginning;
import io.freshet.metadata.MetadataFormat.Voter;
import java.util.List;
import java.util.UUID;
import org.apache.kafka.common.Uuid;

/** Gives a node's metadata directory its identity. */
final class Formatting {
    private Formatting() {}

    /** Formats the directory of {@code config} as the only voter of {@code clusterId}, and returns that id. */
    static String format(ServerConfig config, String clusterId) {
        format(config, clusterId, standalone(config), Beginning.DEFAULT);
        return clusterId;
    }

    /** Formats the directory of {@code config}; a node that is not among {@code voters} learns everything from them. */
    static void format(ServerConfig config, String clusterId, List<Voter> voters, Beginning beginning) {
        if (voters.stream().anyMatch(voter -> voter.nodeId() == config.nodeId())) {
            MetadataFormat.format(
                    config.metadataDirectory(),
                    clusterId,
                    config.nodeId(),
                    config.quorum().listenerName(),
                    voters,
                    beginning);
        } else {
            MetadataFormat.formatObserver(config.metadataDirectory(), clusterId, config.nodeId(), randomId());
        }
    }

    /** The node itself as the first voter. */
    static List<Voter> standalone(ServerConfig config) {
        QuorumSettings quorum = config.quorum();
        if (!quorum.isController()) {
            throw new FreshetException(ErrorKind.INVALID, "You can only use --standalone on a controller.");
        }
        String host = quorum.advertisedHost().isEmpty() ? "localhost" : quorum.advertisedHost();
        return List.of(new Voter(config.nodeId(), randomId(), host, quorum.advertisedPort()));
    }

    /** The voters of {@code id@host:port:directory,…}. */
    static List<Voter> initialControllers(String list) {
        try {
            return Voter.parse(list);
        } catch (IllegalArgumentException e) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "--initial-controllers cannot be understood: " + e.getMessage()
                            + "; write id@host:port:directory-id, separated by commas",
                    e);
        }
    }

    private static Uuid randomId() {
        UUID random = Randomness.secure().nextUuid();
        return new Uuid(random.getMostSignificantBits(), random.getLeastSignificantBits());
    }
}
