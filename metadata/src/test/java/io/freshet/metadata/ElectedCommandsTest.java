// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.IdRange;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands of three voters while their leader changes. */
class ElectedCommandsTest {
    @TempDir
    Path directory;

    private TestQuorum quorum;
    private Map<Integer, TestNode> nodes;

    @BeforeEach
    void start() {
        quorum = TestQuorum.start(directory, FreshetVersion.SUPPORTED);
        nodes = quorum.nodes;
    }

    @AfterEach
    void stop() {
        quorum.close();
    }

    @Test
    void everyNodeCommandsAndSeesItsOwnWrites() {
        nodes.forEach((id, node) -> {
            node.register();
            assertThat(node.createTopic("of-" + id, 3).errorCode()).isZero();
            assertThat(node.node.image().topics().getTopic("of-" + id)).isNotNull();
        });
        nodes.values().forEach(node -> {
            TestNode.get(node.controller.barrier());
            assertThat(node.node.image().topics().topicsById()).hasSize(3);
        });
    }

    @Test
    void commandsGoOnUnderANewLeader() {
        Set<Long> given = new HashSet<>();
        for (int round = 0; round < 3; round++) {
            int leader = nodes.values()
                    .iterator()
                    .next()
                    .node
                    .leaderNode()
                    .orElseThrow()
                    .id();
            List<CompletableFuture<IdRange>> asked = new ArrayList<>();
            nodes.forEach((id, node) -> {
                if (id != leader) {
                    for (int i = 0; i < 50; i++) {
                        asked.add(node.controller.reserveObjectIds(1));
                    }
                }
            });
            quorum.stop(leader);
            nodes.values().forEach(node -> asked.add(node.controller.reserveObjectIds(1)));
            for (CompletableFuture<IdRange> ids : asked) {
                assertThat(given.add(TestNode.get(ids).first()))
                        .as("given once")
                        .isTrue();
            }
            quorum.open(leader, FreshetVersion.SUPPORTED);
            TestNode elected = Objects.requireNonNull(nodes.get(leader));
            TestNode.get(elected.node.ready());
            TestNode.get(elected.controller.barrier());
        }
        assertThat(given).hasSize(3 * 102);
    }
}
