// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.freshet.broker.fake.ScriptedPartition;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.balance.Load;
import io.freshet.metadata.balance.LoadReport;
import io.freshet.metadata.balance.PartitionLoad;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.Test;

class LoadAveragesTest {
    private static final Uuid TOPIC = new Uuid(1, 2);

    private final SetClock clock = new SetClock();
    private final LoadAverages averages = new LoadAverages(clock);
    private final List<ScriptedPartition> open = new ArrayList<>();

    private static final class SetClock implements Clock {
        private long nowNs = 5;

        @Override
        public long wallMs() {
            return 0;
        }

        @Override
        public long nanoTime() {
            return nowNs;
        }
    }

    private ScriptedPartition partition(int id) {
        ScriptedPartition partition = new ScriptedPartition(new TopicIdPartition(TOPIC, id, "t"));
        open.add(partition);
        return partition;
    }

    private LoadReport after(int seconds) {
        clock.nowNs += TimeUnit.SECONDS.toNanos(seconds);
        averages.sample(open);
        return averages.report(1, 7);
    }

    @Test
    void theFirstWholeIntervalCountsInFull() {
        ScriptedPartition partition = partition(0);
        partition.load().produced(9_999);
        assertThat(after(5)).isEqualTo(new LoadReport(1, 7, List.of(), Load.NONE));
        for (int i = 0; i < 10; i++) {
            partition.load().produced(1000);
            partition.load().fetched(3000);
        }
        LoadReport report = after(5);
        assertThat(report.hottest()).hasSize(1);
        assertThat(report.hottest().get(0).topicId()).isEqualTo(TOPIC);
        Load load = report.hottest().get(0).load();
        assertThat(load.bytesIn()).isCloseTo(2000, within(1e-6));
        assertThat(load.bytesOut()).isCloseTo(6000, within(1e-6));
        assertThat(load.requests()).isCloseTo(4, within(1e-6));
    }

    @Test
    void followsALoadThatChangesAndForgetsOneThatEnds() {
        ScriptedPartition partition = partition(0);
        after(5);
        for (int i = 0; i < 10; i++) {
            partition.load().produced(5_000);
            after(5);
        }
        partition.load().produced(10_000);
        double risen = after(5).hottest().get(0).load().bytesIn();
        assertThat(risen).isBetween(1_350.0, 1_450.0);
        for (int i = 0; i < 4; i++) {
            partition.load().produced(10_000);
            after(5);
        }
        assertThat(averages.report(1, 7).hottest().get(0).load().bytesIn()).isBetween(1_850.0, 2_000.0);
        for (int i = 0; i < 30; i++) {
            after(5);
        }
        assertThat(averages.report(1, 7).hottest()).isEmpty();
    }

    @Test
    void aPartitionThatWasAwayBeginsAnew() {
        partition(0);
        after(5);
        open.get(0).load().produced(5_000);
        after(5);
        open.clear();
        ScriptedPartition again = partition(0);
        again.load().produced(1_000_000);
        assertThat(after(5).hottest()).isEmpty();
        again.load().produced(500);
        assertThat(after(5).hottest()).containsExactly(new PartitionLoad(TOPIC, 0, new Load(100, 0, 0.2)));
        open.clear();
        assertThat(after(5).hottest()).isEmpty();
    }

    @Test
    void namesTheHottestAndSumsUpTheRest() {
        for (int i = 0; i < LoadReport.MAX_PARTITIONS + 200; i++) {
            partition(i);
        }
        after(5);
        for (int i = 0; i < open.size(); i++) {
            open.get(i).load().produced(5 * (i < 200 ? 10 : 1000));
        }
        LoadReport report = after(5);
        assertThat(report.hottest())
                .hasSize(LoadReport.MAX_PARTITIONS)
                .allMatch(of -> of.partition() >= 200 && of.load().bytesIn() > 999);
        assertThat(report.rest().bytesIn()).isCloseTo(200 * 10, within(1e-6));
        assertThat(report.rest().requests()).isCloseTo(200 * 0.2, within(1e-6));
    }
}
