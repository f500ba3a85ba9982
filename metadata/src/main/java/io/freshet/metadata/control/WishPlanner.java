// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.MoveWish;
import io.freshet.metadata.record.MoveWishRecord;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the wishes for moves as they should be: one for each partition that a leaving broker leads, none that cannot be
 * fulfilled. A function of the state.
 */
final class WishPlanner {
    static final int MAX_CHANGES = 20_000;

    private final MetadataImage image;
    private final Map<Integer, Standing> standings;
    private final List<MoveWish> wishes;
    private final List<ApiMessageAndVersion> records = new ArrayList<>();

    WishPlanner(MetadataImage image, Map<Integer, Standing> standings, List<MoveWish> wishes) {
        this.image = image;
        this.standings = standings;
        this.wishes = wishes;
    }

    static WishPlanner of(Speculation state) {
        return new WishPlanner(
                state.image(), Standing.of(state), state.manifests().members().wishes());
    }

    /** The next batch of changes; empty if the wishes are as they should be. */
    List<ApiMessageAndVersion> plan() {
        boolean isAnyoneLeaving = standings.values().stream().anyMatch(this::isLeaving);
        Map<Uuid, Map<Integer, Integer>> standing = new HashMap<>();
        for (MoveWish wish : wishes) {
            if (records.size() >= MAX_CHANGES) {
                return records;
            }
            MoveWish mended = mended(wish);
            if (mended == null) {
                records.add(
                        new MoveWishRecord(new MoveWish(wish.topicId(), wish.partition(), MoveWish.NONE)).versioned());
            } else {
                standing.computeIfAbsent(wish.topicId(), id -> new HashMap<>())
                        .put(wish.partition(), mended.targetBrokerId());
                if (!mended.equals(wish)) {
                    records.add(new MoveWishRecord(mended).versioned());
                }
            }
        }
        if (isAnyoneLeaving) {
            emptyLeavers(standing);
        }
        return records;
    }

    private boolean isLeaving(Standing broker) {
        return broker.isServing() && broker.isLeaving();
    }

    /** The wish as it can be fulfilled; null if it cannot, and nothing is lost if it is forgotten. */
    private @Nullable MoveWish mended(MoveWish wish) {
        TopicImage topic = image.topics().getTopic(wish.topicId());
        PartitionRegistration partition =
                topic == null ? null : topic.partitions().get(wish.partition());
        if (partition == null || partition.leader == wish.targetBrokerId()) {
            return null;
        }
        if (canTake(wish.targetBrokerId())) {
            return wish;
        }
        if (!LeaderMoves.isReassigning(partition)) {
            return null;
        }
        // A reassignment goes on when one of its brokers is back.
        return LeaderMoves.wantedReplicas(partition).stream()
                .filter(this::canTake)
                .findFirst()
                .map(target -> new MoveWish(wish.topicId(), wish.partition(), target))
                .orElse(wish);
    }

    private boolean canTake(int brokerId) {
        Standing broker = standings.get(brokerId);
        return broker != null && broker.isServing() && !broker.isStopping();
    }

    private void emptyLeavers(Map<Uuid, Map<Integer, Integer>> wished) {
        List<Integer> welcome = standings.values().stream()
                .filter(Standing::isWelcome)
                .map(Standing::brokerId)
                .toList();
        Spread spread = new Spread(welcome, LeaderMoves.ledCounts(image));
        if (welcome.isEmpty()) {
            return;
        }
        for (TopicImage topic : LeaderMoves.inOrder(image)) {
            Map<Integer, Integer> ofTopic = wished.getOrDefault(topic.id(), Map.of());
            for (Map.Entry<Integer, PartitionRegistration> entry : new TreeMap<>(topic.partitions()).entrySet()) {
                PartitionRegistration partition = entry.getValue();
                Standing leader = standings.get(partition.leader);
                if (leader == null || !isLeaving(leader) || ofTopic.containsKey(entry.getKey())) {
                    continue;
                }
                if (records.size() >= MAX_CHANGES) {
                    return;
                }
                List<Integer> wanted = LeaderMoves.wantedReplicas(partition);
                int target = spread.next(wanted::contains).orElseThrow();
                records.add(new MoveWishRecord(new MoveWish(topic.id(), entry.getKey(), target)).versioned());
            }
        }
    }
}
