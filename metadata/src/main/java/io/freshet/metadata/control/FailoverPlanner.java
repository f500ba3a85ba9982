// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.metadata.MoveWish;
import io.freshet.metadata.record.MetadataLogSerde;
import io.freshet.metadata.state.ClusterState.Speculation;
import io.freshet.metadata.state.MemberView;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.jspecify.annotations.Nullable;

/**
 * Gives the partitions of brokers that are gone to brokers that serve: a function of the state, the same everywhere. Only
 * when every S3 WAL of the old leader is sealed, since the new one reads what is in no object from there; and never while
 * records may lie in another lane of the old leader, which it alone can read: such partitions wait for it. Their
 * leader stays written down until then, so that a leader epoch is spent once; metadata answers say that it is not available.
 */
final class FailoverPlanner {
    /** The name of the topic configuration, and the lane that any broker can take over. */
    static final String LANE_CONFIG = "wal.lane";

    static final String SHARED_LANE = "s3";

    /** Far below what the log takes as one batch; the rest follows in the next. */
    static final int MAX_BATCH_BYTES = 3 << 20;

    private static final MetadataLogSerde SERDE = new MetadataLogSerde();

    private final MetadataImage image;
    private final Map<Integer, Standing> standings;
    private final Wishes wishes;
    private final Predicate<Uuid> hasLaneChanged;
    private final int maxBatchBytes;

    FailoverPlanner(
            MetadataImage image,
            Map<Integer, Standing> standings,
            Wishes wishes,
            Predicate<Uuid> hasLaneChanged,
            int maxBatchBytes) {
        this.image = image;
        this.standings = standings;
        this.wishes = wishes;
        this.hasLaneChanged = hasLaneChanged;
        this.maxBatchBytes = maxBatchBytes;
    }

    static FailoverPlanner of(Speculation state) {
        MemberView members = state.manifests().members();
        return new FailoverPlanner(
                state.image(), Standing.of(state), members::wishedOwner, members::hasLaneChanged, MAX_BATCH_BYTES);
    }

    /** Where a partition was to move, {@link MoveWish#NONE} if nowhere. */
    interface Wishes {
        int target(Uuid topicId, int partition);
    }

    /** The next batch of changes; empty if there is nothing that can be done now. */
    List<ApiMessageAndVersion> plan() {
        if (standings.values().stream().noneMatch(Standing::isGone)) {
            return List.of();
        }
        List<Orphan> orphans = orphans();
        if (orphans.isEmpty()) {
            return List.of();
        }
        Spread spread = new Spread(takers(), LeaderMoves.ledCounts(image));
        if (spread.size() == 0) {
            return List.of();
        }
        List<ApiMessageAndVersion> records = new ArrayList<>();
        ObjectSerializationCache cache = new ObjectSerializationCache();
        int bytes = 0;
        int moves = 0;
        for (Orphan orphan : orphans) {
            // Whole rounds of the spread only, so that the next batch goes on as evenly.
            if (bytes >= maxBatchBytes && moves % spread.size() == 0) {
                break;
            }
            List<ApiMessageAndVersion> added = move(orphan, spread);
            records.addAll(added);
            bytes += added.stream()
                    .mapToInt(entry -> SERDE.recordSize(entry, cache))
                    .sum();
            moves++;
        }
        return records;
    }

    /** Brokers that may lead more; drained ones only if there are no others. */
    private List<Integer> takers() {
        List<Integer> welcome = ids(Standing::isWelcome);
        return welcome.isEmpty() ? ids(standing -> standing.isServing() && !standing.isStopping()) : welcome;
    }

    private List<Integer> ids(Predicate<Standing> which) {
        return standings.values().stream()
                .filter(which)
                .map(Standing::brokerId)
                .sorted()
                .toList();
    }

    /** Partitions whose leader is gone and has left nothing that only it can read; ordered by topic id and partition. */
    private List<Orphan> orphans() {
        Set<Integer> servingOrBack = new HashSet<>();
        standings.values().stream()
                .filter(standing -> !standing.isGone() || standing.hasOpenWal())
                .forEach(standing -> servingOrBack.add(standing.brokerId()));
        List<Orphan> orphans = new ArrayList<>();
        for (TopicImage topic : image.topics().topicsById().values()) {
            for (Map.Entry<Integer, PartitionRegistration> entry :
                    topic.partitions().entrySet()) {
                int leader = entry.getValue().leader;
                if (!servingOrBack.contains(leader) && !waitsFor(topic, standings.get(leader))) {
                    orphans.add(new Orphan(topic.id(), entry.getKey(), entry.getValue()));
                }
            }
        }
        orphans.sort((one, other) -> one.topicId.equals(other.topicId)
                ? Integer.compare(one.partitionId, other.partitionId)
                : one.topicId.compareTo(other.topicId));
        return orphans;
    }

    /** Whether records of the topic may lie in a lane that only the broker itself can read. */
    private boolean waitsFor(TopicImage topic, @Nullable Standing leader) {
        if (leader == null || leader.walLanes().stream().allMatch(SHARED_LANE::equals)) {
            return false;
        }
        String named = image.configs()
                .configMapForResource(new ConfigResource(ConfigResource.Type.TOPIC, topic.name()))
                .get(LANE_CONFIG);
        String lane = named != null && leader.walLanes().contains(named)
                ? named
                : leader.walLanes().get(0);
        return !lane.equals(SHARED_LANE) || hasLaneChanged.test(topic.id());
    }

    private List<ApiMessageAndVersion> move(Orphan orphan, Spread spread) {
        List<ApiMessageAndVersion> records = new ArrayList<>();
        List<Integer> wanted = LeaderMoves.wantedReplicas(orphan.partition);
        int wished = wishes.target(orphan.topicId, orphan.partitionId);
        int newLeader = wished != MoveWish.NONE && isWelcome(wished)
                ? wished
                : spread.next(wanted::contains).orElseThrow();
        LeaderMoves.add(
                records,
                image,
                orphan.topicId,
                orphan.partitionId,
                orphan.partition,
                newLeader,
                wished != MoveWish.NONE);
        return records;
    }

    private boolean isWelcome(int brokerId) {
        Standing standing = standings.get(brokerId);
        return standing != null && standing.isWelcome();
    }

    private record Orphan(Uuid topicId, int partitionId, PartitionRegistration partition) {}
}
