// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.ClusterController.ConfigChange;
import io.freshet.metadata.balance.BalanceDescription;
import io.freshet.metadata.balance.BalanceSettings;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.image.TopicImage;
import org.jspecify.annotations.Nullable;

/** A cluster without faults that balances itself, within limits that an operator has set. */
final class EvenLoads {
    private static final String STAYS = "t0";
    private static final int MOVES_PER_MINUTE = 10;
    private static final long MINUTE_NANOS = 60_000_000_000L;

    private final QuorumWorld world;
    private boolean isLimited;
    private boolean isAsking;
    private long beganNanos;
    private Map<Integer, Integer> leaders = Map.of();
    private @Nullable BalanceDescription last;

    EvenLoads(QuorumWorld world) {
        this.world = world;
    }

    /** Sets the limits; nothing else may be wished for any more. */
    void begin() {
        world.counts.add("loads become even");
        beganNanos = world.time.nowNanos();
        leaders = leaders();
        ConfigResource cluster = new ConfigResource(ConfigResource.Type.BROKER, "");
        Map<String, ConfigChange> changes = Map.of(
                BalanceSettings.EXCLUDE_TOPICS, new ConfigChange(OpType.SET, STAYS),
                BalanceSettings.MOVES_PER_MINUTE, new ConfigChange(OpType.SET, Integer.toString(MOVES_PER_MINUTE)));
        NodeRun run = world.runs().get(0);
        run.quorum()
                .controller()
                .incrementalAlterConfigs(Map.of(cluster, changes), false)
                .thenAccept(answer -> {
                    boolean isLeaving = run.quorum().manifests().wishes().stream()
                            .anyMatch(wish -> wish.topicId().equals(idOf(run)));
                    isLimited = !isLeaving && leaders.equals(leaders());
                });
    }

    private static Uuid idOf(NodeRun run) {
        TopicImage topic = run.quorum().image().topics().getTopic(STAYS);
        return topic == null ? Uuid.ZERO_UUID : topic.id();
    }

    private Map<Integer, Integer> leaders() {
        Map<Integer, Integer> found = new HashMap<>();
        TopicImage topic = world.runs().get(0).quorum().image().topics().getTopic(STAYS);
        if (topic != null) {
            new TreeMap<>(topic.partitions()).forEach((number, partition) -> found.put(number, partition.leader));
        }
        return found;
    }

    /** Whether nothing moves, nor should. */
    boolean isDone() {
        if (!isAsking) {
            isAsking = true;
            world.runs().get(0).quorum().controller().describeBalance().whenComplete((found, error) -> {
                isAsking = false;
                last = error == null ? found : null;
            });
        }
        BalanceDescription now = last;
        return now != null
                && now.moves().isEmpty()
                && now.underWay().stream().allMatch(move -> isGone(now, move.toBrokerId()))
                && now.restingPartitions() == 0
                && now.brokers().stream()
                                .filter(broker -> broker.whyNot().isEmpty()
                                        || broker.whyNot().contains("drained"))
                                .count()
                        == world.brokers().size();
    }

    /** What an operator wished onto a broker waits until it is back. */
    private static boolean isGone(BalanceDescription now, int brokerId) {
        return now.brokers().stream()
                .noneMatch(broker -> broker.id() == brokerId && !broker.whyNot().contains("not in service"));
    }

    /** What was excluded has stayed, and no minute had more moves than allowed. */
    void audit() {
        if (!isLimited) {
            return;
        }
        world.counts.add("loads become even within limits");
        QuorumLedger ledger = world.ledger;
        ledger.check(
                leaders.equals(leaders()),
                () -> "Partitions of " + STAYS + " have moved though balancing excludes them: " + leaders + ", now "
                        + leaders());
        List<Long> wishes = ledger.wishedSince(beganNanos + MINUTE_NANOS);
        for (int i = MOVES_PER_MINUTE; i < wishes.size(); i++) {
            long took = wishes.get(i) - wishes.get(i - MOVES_PER_MINUTE);
            ledger.check(
                    took > MINUTE_NANOS * 9 / 10,
                    () -> MOVES_PER_MINUTE + " moves a minute are allowed, one more began within " + took / 1_000_000
                            + " ms");
        }
    }

    @Override
    public String toString() {
        return "balance of " + last;
    }
}
