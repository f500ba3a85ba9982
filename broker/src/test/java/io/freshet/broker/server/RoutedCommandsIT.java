// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.runtime.Clock;
import io.freshet.common.stream.IdRange;
import io.freshet.metadata.QuorumNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands of controllers and of a broker, over sockets, to whoever leads. */
class RoutedCommandsIT {
    @TempDir
    Path directory;

    private Controllers controllers;
    private ObservingBroker broker;

    @BeforeEach
    void start() {
        controllers = new Controllers(directory, Clock.system(), Map.of());
        controllers.startVoters(3);
        broker = new ObservingBroker(directory.resolve("broker"), 100, controllers.clusterId, controllers.bootstrap());
        Controllers.get(broker.node.ready());
    }

    @AfterEach
    void stop() {
        broker.close();
        controllers.close();
    }

    @Test
    void everyNodeSeesItsOwnWritesAtOnce() {
        for (int number = 0; number < 20; number++) {
            for (int id : controllers.ids()) {
                Controllers.get(controllers.change(id, 100 * id + number));
                assertThat(controllers.changes(id)).contains(100 * id + number);
            }
        }
        Controllers.get(broker.node.controller().barrier());
        assertThat(Controllers.changes(broker.node)).hasSize(60);
    }

    @Test
    void idsAreGivenOnceWhileLeadersFall() {
        Set<Long> given = new HashSet<>();
        for (int round = 0; round < 3; round++) {
            int leader = controllers.leader();
            List<CompletableFuture<IdRange>> asked = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                asked.add(broker.node.controller().reserveObjectIds(1));
            }
            controllers.stop(leader);
            for (int id : controllers.ids()) {
                QuorumNode node = controllers.node(id);
                asked.add(node.controller().reserveObjectIds(1));
            }
            for (CompletableFuture<IdRange> ids : asked) {
                assertThat(given.add(Controllers.get(ids).first()))
                        .as("given once")
                        .isTrue();
            }
            controllers.start(leader);
        }
        assertThat(given).hasSize(3 * 102);
    }
}
