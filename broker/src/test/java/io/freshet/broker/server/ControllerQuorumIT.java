// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.common.runtime.Clock;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several voters in one process, over sockets. */
class ControllerQuorumIT {
    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Controllers controllers;

    private void start(int count) {
        controllers = new Controllers(directory, Clock.system(), Map.of());
        controllers.startVoters(count);
    }

    @AfterEach
    void stop() {
        controllers.close();
    }

    @Test
    void threeVotersElectALeaderAndApplyTheSame() {
        start(3);
        Set<Integer> done = commit(1, 20);
        controllers.awaitEverywhere(done);
        int leader = controllers.leader();
        for (int id : controllers.ids()) {
            assertThat(controllers.node(id).ready()).isCompleted();
            assertThat(controllers.node(id).leaderNode())
                    .hasValueSatisfying(node -> assertThat(node.id()).isEqualTo(leader));
            assertThat(controllers.node(id).image().features())
                    .isEqualTo(controllers.node(leader).image().features());
        }
    }

    @Test
    void fiveVotersGoOnWithoutTwoLeaders() {
        start(5);
        Set<Integer> done = commit(1, 10);
        controllers.stop(controllers.leader());
        done.addAll(commit(11, 20));
        controllers.stop(controllers.leader());
        done.addAll(commit(21, 30));
        controllers.awaitEverywhere(done);
        assertThat(controllers.ids()).hasSize(3);
    }

    @Test
    void nothingThatWasCommittedIsLostWhenLeadersFallOneAfterTheOther() {
        start(3);
        Set<Integer> done = new HashSet<>();
        for (int round = 0; round < 4; round++) {
            done.addAll(commit(10 * round, 10 * round + 9));
            int leader = controllers.leader();
            controllers.stop(leader);
            done.addAll(commit(1000 + 10 * round, 1000 + 10 * round + 4));
            controllers.start(leader);
        }
        controllers.awaitEverywhere(done);
    }

    @Test
    void aNodeAloneAnswersThatThereIsNoLeader() {
        start(3);
        commit(1, 3);
        int survivor = controllers.leader();
        controllers.ids().stream().filter(id -> id != survivor).forEach(controllers::stop);
        await().atMost(Controllers.PATIENCE)
                .untilAsserted(() ->
                        assertThat(controllers.change(survivor, 4)).failsWithin(java.time.Duration.ofSeconds(30)));
        assertThat(controllers.node(survivor).fault()).isNotDone();
    }

    @Test
    void anObserverFollowsEachLeaderAndItsOwnRestart() {
        start(3);
        Set<Integer> done = commit(1, 5);
        Path home = directory.resolve("observer");
        try (ObservingBroker observer =
                new ObservingBroker(home, 100, controllers.clusterId, controllers.bootstrap())) {
            awaitHas(observer, done);
            controllers.stop(controllers.leader());
            done.addAll(commit(6, 10));
            awaitHas(observer, done);
            assertThat(observer.node.leaderNode()).isPresent();
        }
        done.addAll(commit(11, 15));
        try (ObservingBroker observer =
                new ObservingBroker(home, 100, controllers.clusterId, controllers.bootstrap())) {
            awaitHas(observer, done);
        }
    }

    private static void awaitHas(ObservingBroker observer, Set<Integer> done) {
        await().atMost(Controllers.PATIENCE)
                .until(() -> Controllers.changes(observer.node).containsAll(done));
    }

    private Set<Integer> commit(int from, int to) {
        Set<Integer> done = new HashSet<>();
        for (int number = from; number <= to; number++) {
            controllers.commit(number);
            done.add(number);
        }
        return done;
    }
}
