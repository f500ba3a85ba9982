// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.storage.fake.TakeoverCluster;
import io.freshet.storage.fake.TakeoverCluster.Broker;
import io.freshet.storage.fake.TestOwner;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who ends the WAL of a dead broker, and when. */
class WalSealerTest {
    private final TakeoverCluster cluster = new TakeoverCluster(3);

    private static List<Broker> brokers(TakeoverCluster cluster, int count) {
        List<Broker> brokers = new ArrayList<>();
        for (int id = 1; id <= count; id++) {
            Broker broker = cluster.start(id);
            TestOwner owner = cluster.create(id, broker);
            owner.append(2, 500);
            brokers.add(broker);
        }
        cluster.sim.advance(1_000);
        return brokers;
    }

    private static long seals(List<Broker> brokers) {
        return brokers.stream()
                .mapToLong(broker ->
                        broker.meters.timer("freshet.wal.s3.takeover.seal").count())
                .sum();
    }

    @Test
    void oneOfManyActsAtOnce() {
        List<Broker> brokers = brokers(cluster, 5);
        brokers.get(0).die();
        cluster.sim.advance(400);
        assertThat(brokers.get(0).isAllSealed()).isTrue();
        cluster.sim.advance(20_000);
        assertThat(seals(brokers)).isEqualTo(1);
        assertThat(brokers.subList(1, 5)).noneMatch(Broker::isAllSealed);
    }

    @Test
    void anotherStepsInForOneThatDoesNot() {
        for (int stuck = 1; stuck <= 3; stuck++) {
            TakeoverCluster other = new TakeoverCluster(stuck);
            List<Broker> brokers = brokers(other, 4);
            brokers.get(stuck).host.pause();
            brokers.get(0).die();
            other.sim.advance(1_500);
            assertThat(brokers.get(0).isAllSealed())
                    .as("broker %s is stuck", stuck + 1)
                    .isTrue();
            brokers.get(stuck).host.resume();
            other.sim.advance(5_000);
            assertThat(seals(brokers)).isEqualTo(1);
        }
    }

    @Test
    void severalDeadBrokersAreDealtWithSideBySide() {
        List<Broker> brokers = brokers(cluster, 5);
        brokers.subList(0, 3).forEach(Broker::die);
        cluster.sim.advance(1_400);
        assertThat(brokers.subList(0, 3)).allMatch(Broker::isAllSealed);
    }

    @Test
    void aBrokerThatBeginsIsGivenTime() {
        Broker starting = cluster.start(1);
        cluster.quorum.fence(1);
        cluster.start(2);
        cluster.start(3);
        cluster.sim.advance(29_000);
        assertThat(starting.isAllSealed()).isFalse();
        cluster.sim.advance(3_000);
        assertThat(starting.isAllSealed()).isTrue();
    }

    @Test
    void aBrokerThatIsFencedItselfDoesNotAct() {
        List<Broker> brokers = brokers(cluster, 2);
        cluster.quorum.fence(1);
        cluster.quorum.fence(2);
        cluster.sim.advance(60_000);
        assertThat(brokers).noneMatch(Broker::isAllSealed);
    }
}
