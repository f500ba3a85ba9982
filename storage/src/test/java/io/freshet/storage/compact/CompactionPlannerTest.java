// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.StreamSegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class CompactionPlannerTest {
    private static final long MIB = 1 << 20;

    private final CompactionPlanner planner = new CompactionPlanner(CompactionConfig.Shape.defaults());

    private static ObjectShare bundle(long id, long liveBytes) {
        return new ObjectShare(id, liveBytes + 1000, 100, liveBytes);
    }

    private static ObjectShare single(long id, long liveBytes) {
        return new ObjectShare(id, liveBytes + 1000, 1, liveBytes);
    }

    private static StreamSegment segment(long stream, long start, long end, long objectId, long sizeBytes) {
        return new StreamSegment(stream, start, end, objectId, sizeBytes, 0, 0);
    }

    @Test
    void leavesFewSmallObjectsAlone() {
        List<ObjectShare> objects =
                LongStream.range(0, 10).mapToObj(id -> bundle(id, 6 * MIB)).toList();
        assertThat(planner.gathers(objects)).isEmpty();
    }

    @Test
    void gathersSmallBundlesOldestFirstOnceTheyMakeABundle() {
        List<ObjectShare> objects = new ArrayList<>(
                LongStream.range(0, 24).mapToObj(id -> bundle(id, 6 * MIB)).toList());
        Collections.shuffle(objects, new Random(1));
        List<Gather> gathers = planner.gathers(objects);
        assertThat(gathers).hasSize(1);
        assertThat(gathers.get(0).inputs().stream().map(ObjectShare::objectId))
                .containsExactlyElementsOf(LongStream.range(0, 24).boxed().toList());
    }

    @Test
    void gathersTinyObjectsByTheirNumber() {
        List<ObjectShare> objects =
                LongStream.range(0, 70).mapToObj(id -> single(id, 100)).toList();
        assertThat(planner.gathers(objects)).extracting(g -> g.inputs().size()).containsExactly(32, 32);
    }

    @Test
    void leavesLargeBundlesAloneUntilTheyAreMostlyDead() {
        assertThat(planner.gathers(List.of(bundle(1, 64 * MIB), bundle(2, 200 * MIB), bundle(3, 70 * MIB))))
                .isEmpty();
        ObjectShare halfDead = new ObjectShare(4, 200 * MIB, 50, 90 * MIB);
        assertThat(planner.gathers(List.of(halfDead)))
                .as("alone it waits: rewriting would free little")
                .isEmpty();
        ObjectShare another = new ObjectShare(5, 200 * MIB, 50, 90 * MIB);
        assertThat(planner.gathers(List.of(halfDead, another, bundle(6, 100 * MIB))))
                .containsExactly(new Gather(List.of(halfDead, another)));
    }

    @Test
    void givesLargeStreamsTheirOwnObjectAndBundlesTheOthersByStream() {
        List<StreamSegment> live = new ArrayList<>();
        for (long object = 1; object <= 10; object++) {
            for (long stream = 1; stream <= 20; stream++) {
                long bytes = stream == 7 ? 4 * MIB : MIB / 4;
                live.add(segment(stream, object * 10, object * 10 + 10, object, bytes));
            }
        }
        Collections.shuffle(live, new Random(2));
        List<Rewrite> rewrites = planner.layout(live);
        assertThat(rewrites).hasSize(2);
        assertThat(rewrites.get(0).groups())
                .singleElement()
                .satisfies(group -> assertThat(group.streamId()).isEqualTo(7));
        assertThat(rewrites.get(0).sizeBytes()).isEqualTo(40 * MIB);
        assertThat(rewrites.get(1).groups())
                .extracting(SegmentGroup::streamId)
                .isSorted()
                .hasSize(19);
        assertThat(rewrites.get(1).groups()).allSatisfy(group -> {
            assertThat(group.startOffset()).isEqualTo(10);
            assertThat(group.endOffset()).isEqualTo(110);
        });
    }

    @Test
    void neverJoinsAcrossAGapNorPutsAGapIntoOneObject() {
        List<StreamSegment> live = List.of(
                segment(1, 0, 10, 1, 100),
                segment(1, 10, 20, 2, 100),
                segment(1, 30, 40, 3, 100),
                segment(2, 0, 10, 1, 100),
                segment(2, 30, 40, 3, 100));
        List<Rewrite> rewrites = planner.layout(live);
        assertThat(rewrites).hasSize(2);
        for (Rewrite rewrite : rewrites) {
            assertThat(rewrite.groups()).extracting(SegmentGroup::streamId).doesNotHaveDuplicates();
        }
        assertThat(rewrites.get(0).groups().get(0).endOffset()).isEqualTo(20);
        assertThat(planner.layout(List.of(segment(1, 0, 10, 1, 100), segment(1, 30, 40, 2, 100))))
                .as("two objects of two runs gain nothing")
                .isEmpty();
    }

    @Test
    void mergesAStreamsObjectsClassByClass() {
        Map<Long, ObjectShare> objects = new TreeMap<>();
        List<StreamSegment> manifest = new ArrayList<>();
        for (long id = 1; id <= 7; id++) {
            manifest.add(segment(1, id * 10, id * 10 + 10, id, 9 * MIB));
            objects.put(id, single(id, 9 * MIB));
        }
        assertThat(planner.merges(manifest, objects::get)).as("63 MiB").isEmpty();
        manifest.add(segment(1, 80, 90, 8, 9 * MIB));
        objects.put(8L, single(8, 9 * MIB));
        assertThat(planner.merges(manifest, objects::get))
                .singleElement()
                .satisfies(rewrite -> assertThat(rewrite.inputs()).hasSize(8));
        manifest.add(0, segment(1, 0, 10, 9, 1000 * MIB));
        objects.put(9L, single(9, 1000 * MIB));
        assertThat(planner.merges(manifest, objects::get))
                .singleElement()
                .satisfies(rewrite ->
                        assertThat(rewrite.inputObjects()).doesNotContain(9L).hasSize(8));
    }

    @Test
    void takesLongRunsOutOfBundlesAndLeavesGatheredObjectsAlone() {
        Map<Long, ObjectShare> objects = new TreeMap<>();
        List<StreamSegment> manifest = new ArrayList<>();
        for (long id = 1; id <= 4; id++) {
            manifest.add(segment(1, id * 10, id * 10 + 10, id, 20 * MIB));
            objects.put(id, bundle(id, 100 * MIB));
        }
        assertThat(planner.merges(manifest, objects::get))
                .singleElement()
                .satisfies(rewrite -> assertThat(rewrite.sizeBytes()).isEqualTo(80 * MIB));
        objects.put(2L, bundle(2, 30 * MIB));
        assertThat(planner.merges(manifest, objects::get))
                .as("40 MiB behind the gap")
                .isEmpty();
        objects.remove(2L);
        assertThat(planner.merges(manifest, objects::get)).isEmpty();
    }

    @Test
    void keepsOffsetsApartByMoreThanAnIntExactly() {
        long far = 10L * Integer.MAX_VALUE;
        List<StreamSegment> live =
                List.of(segment(1, 0, far, 1, 100), segment(1, far, 3 * far, 2, 100), segment(2, far, 2 * far, 2, 100));
        assertThat(planner.layout(live)).singleElement().satisfies(rewrite -> {
            assertThat(rewrite.groups().get(0).startOffset()).isZero();
            assertThat(rewrite.groups().get(0).endOffset()).isEqualTo(3 * far);
        });
    }

    /** Whatever the manifests are, no segment is used twice, none is lost, and sizes stay within their bounds. */
    @Test
    void plansOfRandomManifestsAreSound() {
        for (long seed = 1; seed <= 300; seed++) {
            Random random = new Random(seed);
            Map<Long, ObjectShare> objects = new TreeMap<>();
            List<StreamSegment> manifest = new ArrayList<>();
            long offset = random.nextInt(100);
            for (int i = 0; i < 60; i++) {
                long size = (long) Math.pow(2, 10 + random.nextDouble() * 20);
                long end = offset + 1 + random.nextInt(1000);
                manifest.add(segment(1, offset, end, i, size));
                offset = end;
                if (random.nextInt(20) > 0) {
                    objects.put(
                            (long) i,
                            random.nextBoolean() ? single(i, size) : bundle(i, size + random.nextInt(1 << 28)));
                }
            }
            List<Rewrite> rewrites = planner.merges(manifest, objects::get);
            List<StreamSegment> used = new ArrayList<>();
            rewrites.forEach(rewrite -> used.addAll(rewrite.inputs()));
            assertThat(used).as("seed %d", seed).doesNotHaveDuplicates().isSubsetOf(manifest);
            assertThat(rewrites).as("seed %d", seed).allSatisfy(rewrite -> {
                assertThat(rewrite.sizeBytes()).isBetween(64 * MIB, 1024 * MIB);
                assertThat(rewrite.inputObjects())
                        .allSatisfy(
                                id -> assertThat(planner.isGathered(java.util.Objects.requireNonNull(objects.get(id))))
                                        .isFalse());
            });
            assertThat(planner.merges(manifest, objects::get)).isEqualTo(rewrites);
        }
    }
}
