// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.metadata.MoveWish;
import io.freshet.metadata.record.MoveWishRecord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.ConfigRecord;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;
import org.junit.jupiter.api.Test;

class FailoverPlannerTest {
    private static final long SEED = 20261121;

    /** A cluster drawn from one seed. */
    private static final class Drawn {
        final Random random;
        final Map<Integer, Standing> standings = new TreeMap<>();
        final Map<String, Integer> wishes = new HashMap<>();
        final Set<Uuid> laneChanges = new HashSet<>();
        MetadataImage image;

        Drawn(long seed) {
            random = new Random(seed);
            List<ApiMessage> records = new ArrayList<>();
            records.add(new FeatureLevelRecord()
                    .setName(MetadataVersion.FEATURE_NAME)
                    .setFeatureLevel(MetadataVersion.latestProduction().featureLevel()));
            int brokers = 1 + random.nextInt(7);
            for (int id = 1; id <= brokers; id++) {
                standings.put(id, drawStanding(id));
            }
            int topics = random.nextInt(4);
            for (int topic = 0; topic < topics; topic++) {
                drawTopic(records, "t" + topic, brokers);
            }
            image = apply(MetadataImage.EMPTY, records);
        }

        private Standing drawStanding(int id) {
            boolean isGone = random.nextInt(3) == 0;
            boolean isServing = !isGone && random.nextInt(5) > 0;
            boolean isStopping = isServing && random.nextInt(6) == 0;
            boolean isLeaving = isStopping || (isServing && random.nextInt(6) == 0);
            List<List<String>> lanes =
                    List.of(List.of("s3"), List.of("block"), List.of("block", "s3"), List.of("s3", "block"), List.of());
            return new Standing(
                    id,
                    null,
                    isGone,
                    isServing,
                    isLeaving,
                    isStopping,
                    random.nextInt(4) == 0,
                    random.nextBoolean() ? List.of("s3") : lanes.get(random.nextInt(lanes.size())));
        }

        private void drawTopic(List<ApiMessage> records, String name, int brokers) {
            Uuid id = new Uuid(random.nextLong(), random.nextLong());
            records.add(new TopicRecord().setName(name).setTopicId(id));
            if (random.nextInt(3) == 0) {
                records.add(new ConfigRecord()
                        .setResourceType((byte) 2)
                        .setResourceName(name)
                        .setName("wal.lane")
                        .setValue(random.nextBoolean() ? "s3" : "block"));
            }
            if (random.nextInt(5) == 0) {
                laneChanges.add(id);
            }
            int partitions = 1 + random.nextInt(60);
            for (int partition = 0; partition < partitions; partition++) {
                List<Integer> order = new ArrayList<>(
                        IntStream.rangeClosed(1, brokers).boxed().toList());
                java.util.Collections.shuffle(order, random);
                List<Integer> replicas = order.subList(0, 1 + random.nextInt(Math.min(3, brokers)));
                records.add(new PartitionRecord()
                        .setTopicId(id)
                        .setPartitionId(partition)
                        .setReplicas(List.copyOf(replicas))
                        .setIsr(List.copyOf(replicas))
                        .setLeader(replicas.get(0))
                        .setLeaderEpoch(random.nextInt(10))
                        .setPartitionEpoch(3));
                if (random.nextInt(20) == 0) {
                    wishes.put(id + "-" + partition, 1 + random.nextInt(brokers));
                }
            }
        }

        List<ApiMessageAndVersion> plan(int maxBytes) {
            return new FailoverPlanner(
                            image,
                            standings,
                            (topic, partition) -> wishes.getOrDefault(topic + "-" + partition, MoveWish.NONE),
                            laneChanges::contains,
                            maxBytes)
                    .plan();
        }

        void apply(List<ApiMessageAndVersion> records) {
            List<ApiMessage> kafkas = new ArrayList<>();
            for (ApiMessageAndVersion entry : records) {
                if (entry.message() instanceof MoveWishRecord done) {
                    wishes.remove(done.wish().topicId() + "-" + done.wish().partition());
                } else {
                    kafkas.add(entry.message());
                }
            }
            image = apply(image, kafkas);
        }

        private static MetadataImage apply(MetadataImage image, List<ApiMessage> records) {
            MetadataDelta delta = new MetadataDelta.Builder().setImage(image).build();
            records.forEach(delta::replay);
            return delta.apply(MetadataProvenance.EMPTY);
        }

        /** Whether the partition's leader left nothing that only it can read; written differently from the code under test. */
        boolean isFree(String topic, Uuid id, int leader) {
            Standing broker = Objects.requireNonNull(standings.get(leader));
            if (!broker.isGone() || broker.hasOpenWal()) {
                return false;
            }
            List<String> lanes = broker.walLanes();
            if (!lanes.contains("block")) {
                return true;
            }
            String named = image.configs()
                    .configProperties(new org.apache.kafka.common.config.ConfigResource(
                            org.apache.kafka.common.config.ConfigResource.Type.TOPIC, topic))
                    .getProperty("wal.lane", lanes.get(0));
            boolean isShared =
                    lanes.contains(named) ? named.equals("s3") : lanes.get(0).equals("s3");
            return isShared && !laneChanges.contains(id);
        }
    }

    @Test
    void givesEachFreePartitionALeaderThatServesAndTouchesNoOther() {
        int moved = 0;
        for (int run = 0; run < 600; run++) {
            Drawn before = new Drawn(SEED + run);
            Drawn after = new Drawn(SEED + run);
            after.apply(after.plan(Integer.MAX_VALUE));
            moved += check("seed " + (SEED + run), before, after);
            assertThat(after.plan(Integer.MAX_VALUE)).as("seed %d", SEED + run).isEmpty();
        }
        assertThat(moved).as("partitions that moved at all").isGreaterThan(2000);
    }

    private static int check(String seed, Drawn before, Drawn after) {
        Set<Integer> welcome = before.standings.values().stream()
                .filter(Standing::isWelcome)
                .map(Standing::brokerId)
                .collect(Collectors.toSet());
        Set<Integer> takers = !welcome.isEmpty()
                ? welcome
                : before.standings.values().stream()
                        .filter(broker -> broker.isServing() && !broker.isStopping())
                        .map(Standing::brokerId)
                        .collect(Collectors.toSet());
        Map<Integer, Integer> spread = new HashMap<>();
        takers.forEach(taker -> spread.put(taker, 0));
        int moved = 0;
        for (var topic : before.image.topics().topicsById().values()) {
            for (var entry : topic.partitions().entrySet()) {
                PartitionRegistration was = entry.getValue();
                PartitionRegistration is = Objects.requireNonNull(
                        after.image.topics().getTopic(topic.id()).partitions().get(entry.getKey()));
                if (!before.isFree(topic.name(), topic.id(), was.leader) || takers.isEmpty()) {
                    assertThat(is).as(seed).isEqualTo(was);
                    continue;
                }
                moved++;
                int wished = before.wishes.getOrDefault(topic.id() + "-" + entry.getKey(), MoveWish.NONE);
                if (welcome.contains(wished)) {
                    assertThat(is.leader).as(seed).isEqualTo(wished);
                } else {
                    spread.merge(is.leader, 1, Integer::sum);
                }
                assertThat(takers).as(seed).contains(is.leader);
                assertThat(is.leaderEpoch).as(seed).isEqualTo(was.leaderEpoch + 1);
                assertThat(boxed(is.replicas)).as(seed).contains(is.leader).doesNotHaveDuplicates();
                assertThat(is.replicas).as(seed).hasSameSizeAs(was.replicas);
                assertThat(is.isr).as(seed).isEqualTo(is.replicas);
                assertThat(boxed(is.replicas).stream()
                                .filter(replica -> !boxed(was.replicas).contains(replica)))
                        .as(seed)
                        .hasSizeLessThanOrEqualTo(1);
            }
        }
        if (!takers.isEmpty()) {
            int most = spread.values().stream().mapToInt(count -> count).max().orElseThrow();
            int least = spread.values().stream().mapToInt(count -> count).min().orElseThrow();
            assertThat(most - least).as(seed).isLessThanOrEqualTo(1);
        }
        return moved;
    }

    private static List<Integer> boxed(int[] values) {
        return Arrays.stream(values).boxed().toList();
    }

    @Test
    void smallBatchesComeToTheSameSpread() {
        for (int run = 0; run < 100; run++) {
            Drawn before = new Drawn(SEED + run);
            Drawn after = new Drawn(SEED + run);
            before.wishes.clear();
            after.wishes.clear();
            for (List<ApiMessageAndVersion> batch = after.plan(200); !batch.isEmpty(); batch = after.plan(200)) {
                assertThat(batch.stream().filter(entry -> entry.message() instanceof PartitionChangeRecord))
                        .hasSizeLessThan(20);
                after.apply(batch);
            }
            check("seed " + (SEED + run), before, after);
        }
    }

    @Test
    void isTheSameFunctionOfTheStateEachTime() {
        for (int run = 0; run < 50; run++) {
            assertThat(new Drawn(SEED + run).plan(Integer.MAX_VALUE).toString())
                    .as("seed %d", SEED + run)
                    .isEqualTo(new Drawn(SEED + run).plan(Integer.MAX_VALUE).toString());
        }
    }
}
