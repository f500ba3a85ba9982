// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.runtime.Clock;
import io.freshet.metadata.MoveWish;
import io.freshet.metadata.balance.PlannedMove;
import io.freshet.metadata.control.ClusterLoads.PartitionKey;
import io.freshet.metadata.record.MoveWishRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.jspecify.annotations.Nullable;

/**
 * The moves that balancing has begun lately: they count against the limit, and one that its leader does not make in time is
 * taken back. Their partitions, and all others that have moved lately, rest. Soft state of the active controller. Metadata
 * thread.
 */
final class BalanceMoves {
    private static final long MINUTE_NS = TimeUnit.MINUTES.toNanos(1);
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(30);

    private final Clock clock;
    private final Map<PartitionKey, Begun> begun = new HashMap<>();

    BalanceMoves(Clock clock) {
        this.clock = clock;
    }

    /** When partitions got another leader, whoever wanted it. */
    private final Map<PartitionKey, Long> moved = new HashMap<>();

    private record Begun(int target, long atNs) {}

    void clear() {
        begun.clear();
        moved.clear();
    }

    /** The partition has another leader from now on. */
    void noteMoved(PartitionKey partition) {
        moved.put(partition, clock.nanoTime());
    }

    /** How many moves were begun in the last minute; to be asked after {@link #resting}. */
    int begunCount() {
        return begun.size();
    }

    /** Partitions that have moved, or were to, within the last minute. */
    Set<PartitionKey> resting() {
        long nowNs = clock.nanoTime();
        begun.values().removeIf(move -> nowNs - move.atNs >= MINUTE_NS);
        moved.values().removeIf(atNs -> nowNs - atNs >= MINUTE_NS);
        Set<PartitionKey> resting = new HashSet<>(begun.keySet());
        resting.addAll(moved.keySet());
        return resting;
    }

    /** The records that wish for those moves that still make sense; they begin now. */
    List<ApiMessageAndVersion> begin(Speculation state, List<PlannedMove> moves) {
        Map<Integer, Standing> standings = Standing.of(state);
        List<ApiMessageAndVersion> records = new ArrayList<>();
        for (PlannedMove move : moves) {
            PartitionRegistration partition = partition(state, move);
            Standing target = standings.get(move.toBrokerId());
            if (partition != null
                    && partition.leader == move.fromBrokerId()
                    && !LeaderMoves.isReassigning(partition)
                    && target != null
                    && target.isWelcome()
                    && state.manifests().members().wishedOwner(move.topicId(), move.partition()) == MoveWish.NONE) {
                records.add(wish(move.topicId(), move.partition(), move.toBrokerId()));
                begun.put(
                        new PartitionKey(move.topicId(), move.partition()),
                        new Begun(move.toBrokerId(), clock.nanoTime()));
            }
        }
        return records;
    }

    private static @Nullable PartitionRegistration partition(Speculation state, PlannedMove move) {
        TopicImage topic = state.image().topics().getTopic(move.topicId());
        return topic == null ? null : topic.partitions().get(move.partition());
    }

    /** Whether a wish of ours stands that is to be taken back. */
    boolean isAnyStuck(List<MoveWish> wishes, boolean all) {
        return wishes.stream().anyMatch(wish -> isStuck(wish, all));
    }

    private boolean isStuck(MoveWish wish, boolean all) {
        Begun move = begun.get(new PartitionKey(wish.topicId(), wish.partition()));
        return move != null
                && move.target == wish.targetBrokerId()
                && (all || clock.nanoTime() - move.atNs > PATIENCE_NS);
    }

    /** The records that take back wishes which have waited for too long, or all of ours. */
    List<ApiMessageAndVersion> takeBack(Speculation state, boolean all) {
        List<ApiMessageAndVersion> records = new ArrayList<>();
        for (MoveWish wish : state.manifests().members().wishes()) {
            if (isStuck(wish, all)) {
                records.add(wish(wish.topicId(), wish.partition(), MoveWish.NONE));
            }
        }
        return records;
    }

    private static ApiMessageAndVersion wish(Uuid topicId, int partition, int target) {
        return new MoveWishRecord(new MoveWish(topicId, partition, target)).versioned();
    }
}
