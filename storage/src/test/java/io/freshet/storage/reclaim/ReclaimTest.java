// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.reclaim;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.WalState;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.compact.CompactionConfig;
import io.freshet.storage.compact.CompactionService;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestOwner;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ReclaimTest {
    private final StorageFixture fixture = StorageFixture.idle(5);
    private TestOwner owner;

    @BeforeEach
    void start() {
        fixture.config = fixture.config.withDeletion(100, 10_000, 100, 60_000);
        fixture.start();
        owner = fixture.create(1);
    }

    private String uploadOne() {
        owner.append(2, 100);
        fixture.uploadNow();
        List<StreamSegment> segments = owner.log().segments();
        return ObjectKeys.dataKey(segments.get(segments.size() - 1).objectId());
    }

    @Test
    void deletesRetiredObjectsAfterTheGracePeriodAndForgetsThem() {
        String first = uploadOne();
        long middle = owner.endOffset();
        String second = uploadOne();
        fixture.sim.await(owner.log().trim(middle));
        assertThat(fixture.metadata.retiredObjects(10)).hasSize(1);
        fixture.sim.advance(9_000);
        assertThat(fixture.store.keys()).contains(first, second);
        fixture.sim.advance(2_000);
        assertThat(fixture.store.keys()).containsExactly(second);
        assertThat(fixture.metadata.retiredObjects(10)).isEmpty();
        assertThat(fixture.meters.counter("freshet.storage.reaper.deleted").count())
                .isEqualTo(1);
    }

    @Test
    void triesAKeyAgainThatCouldNotBeDeleted() {
        String first = uploadOne();
        String second = uploadOne();
        fixture.store.undeletable(first, "AccessDenied");
        fixture.sim.await(owner.log().trim(owner.endOffset()));
        fixture.sim.advance(11_000);
        assertThat(fixture.store.keys()).containsExactly(first).doesNotContain(second);
        assertThat(fixture.metadata.retiredObjects(10)).hasSize(1);
        fixture.store.undeletable(first, null);
        fixture.sim.advance(2_000);
        assertThat(fixture.store.keys()).isEmpty();
        assertThat(fixture.metadata.retiredObjects(10)).isEmpty();
    }

    @Test
    void deletesNoFasterThanAllowed() {
        fixture.storage().close();
        fixture.crash();
        fixture.config = fixture.config.withDeletion(100, 1_000, 3_600_000, 3_600_000);
        fixture.config = new StorageConfig(
                1 << 20, 3_600_000, 1 << 20, 1 << 20, 4096, 2, 16 << 20, 100, 1_000, 50, 3_600_000, 3_600_000);
        fixture.restart();
        for (int i = 0; i < 60; i++) {
            uploadOne();
        }
        fixture.sim.await(owner.log().trim(owner.endOffset()));
        fixture.sim.advance(1_000);
        int before = fixture.store.keys().size();
        fixture.sim.advance(500);
        assertThat(before - fixture.store.keys().size()).isBetween(20, 30);
        fixture.sim.advance(2_000);
        assertThat(fixture.store.keys()).isEmpty();
    }

    @Test
    void sweepsObjectsThatTheQuorumHasNeverHeardOf() {
        String known = uploadOne();
        String orphan = ObjectKeys.dataKey(77_777);
        String foreign = "data/readme.txt";
        fixture.store.put(orphan, List.of(ByteBuffer.allocate(10)));
        fixture.store.put(foreign, List.of(ByteBuffer.allocate(10)));
        fixture.store.put("wal/7/1/0", List.of(ByteBuffer.allocate(10)));
        fixture.sim.advance(59_000);
        assertThat(fixture.store.keys()).contains(orphan);
        fixture.sim.advance(2_000);
        assertThat(fixture.store.keys()).containsExactlyInAnyOrder(known, foreign, "wal/7/1/0");
        assertThat(fixture.meters.counter("freshet.storage.orphans.deleted").count())
                .isEqualTo(1);
    }

    @Test
    void deletesNothingWhileNobodyCanSayWhatTheQuorumKnows() {
        String first = uploadOne();
        long middle = owner.endOffset();
        String second = uploadOne();
        String orphan = ObjectKeys.dataKey(77_777);
        fixture.store.put(orphan, List.of(ByteBuffer.allocate(10)));
        fixture.sim.advance(59_000);
        fixture.metadata.lacksObjects(true);
        fixture.sim.await(owner.log().trim(middle));
        fixture.sim.advance(600_000);
        assertThat(fixture.store.keys()).contains(first, second, orphan);
        fixture.metadata.lacksObjects(false);
        fixture.sim.advance(2_000);
        assertThat(fixture.store.keys()).contains(second).doesNotContain(first, orphan);
    }

    @Test
    void aStoreWithoutOrphansIsListedSeldom() {
        uploadOne();
        int before = fixture.store.listings();
        fixture.sim.advance(60_000);
        assertThat(fixture.store.listings() - before).isBetween(1, 6);
    }

    @Test
    void sparesAnObjectThatIsCommittedBetweenTwoPasses() {
        String key = ObjectKeys.dataKey(88_888);
        fixture.store.put(key, List.of(ByteBuffer.allocate(10)));
        fixture.sim.advance(59_000);
        uploadOne();
        fixture.metadata.replaceObject(owner.log().segments().get(0), 88_888);
        fixture.sim.advance(5_000);
        assertThat(fixture.store.keys()).contains(key);
    }

    @Test
    void aCommitThatWaitedLongerThanTheGracePeriodStillFindsItsObject() {
        fixture.metadata.transport(new MemoryStreamMetadata.Transport() {
            private final long endMs = fixture.sim.wallMs() + 200_000;

            @Override
            public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
                return name.equals("commit") && fixture.sim.wallMs() < endMs
                        ? CompletableFuture.failedFuture(new FreshetException(ErrorKind.UNAVAILABLE, "no leader"))
                        : CompletableFuture.completedFuture(command.get());
            }
        });
        owner.append(2, 100);
        CompletableFuture<Void> uploaded = fixture.storage().uploadNow();
        fixture.sim.advance(190_000);
        assertThat(uploaded).isNotDone();
        assertThat(fixture.meters.counter("freshet.storage.orphans.deleted").count())
                .as("copies that waited too long; each was written anew under another id before it went")
                .isPositive();
        fixture.sim.await(uploaded);
        String committed = ObjectKeys.dataKey(owner.log().segments().get(0).objectId());
        assertThat(fixture.store.keys()).contains(committed);
        fixture.sim.advance(200_000);
        assertThat(fixture.store.keys()).containsExactly(committed);
        assertThat(fixture.readAll(owner, 0, owner.endOffset(), 10_000)).isEqualTo(owner.batches());
    }

    @Test
    void keysThatCannotBeDeletedDoNotKeepOthersFromTheirTurn() {
        fixture.storage().close();
        fixture.crash();
        fixture.config = new StorageConfig(
                1 << 20, 3_600_000, 1 << 20, 1 << 20, 4096, 2, 16 << 20, 1_000, 1_000, 5, 3_600_000, 3_600_000);
        fixture.restart();
        List<String> stuck = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            stuck.add(uploadOne());
        }
        for (int i = 0; i < 20; i++) {
            uploadOne();
        }
        stuck.forEach(key -> fixture.store.undeletable(key, "AccessDenied"));
        fixture.sim.await(owner.log().trim(owner.endOffset()));
        fixture.sim.advance(60_000);
        assertThat(fixture.store.keys()).containsExactlyInAnyOrderElementsOf(stuck);
        stuck.forEach(key -> fixture.store.undeletable(key, null));
        fixture.sim.advance(700_000);
        assertThat(fixture.store.keys()).isEmpty();
        assertThat(fixture.metadata.retiredObjects(10)).isEmpty();
    }

    @Test
    void deletesManyObjectsInBatchesOfAThousandAtMostAndNotAllAtOnce() {
        fixture.storage().close();
        fixture.crash();
        fixture.config = new StorageConfig(
                1 << 20, 3_600_000, 1 << 20, 1 << 20, 4096, 2, 16 << 20, 10_000, 1_000, 1_000, 3_600_000, 3_600_000);
        List<Integer> batches = new ArrayList<>();
        fixture.store.onDelete(keys -> batches.add(keys.size()));
        fixture.restart();
        List<ObjectCommit> commits = new ArrayList<>();
        for (int id = 10_000; id < 13_500; id++) {
            fixture.store.put(ObjectKeys.dataKey(id), List.of(ByteBuffer.allocate(10)));
            commits.add(new ObjectCommit(id, 10, StorageFixture.BROKER_ID, 100, List.of()));
        }
        commits.forEach(fixture.metadata::commitObject);
        fixture.sim.advance(10_500);
        assertThat(batches).as("right after the first round began").hasSizeLessThanOrEqualTo(1);
        fixture.sim.advance(15_000);
        assertThat(batches).containsExactly(1000, 1000, 1000, 500);
        assertThat(fixture.store.keys()).isEmpty();
        assertThat(fixture.metadata.retiredObjects(10)).isEmpty();
    }

    @Test
    void sweepsMoreOrphansThanOneListingHolds() {
        String known = uploadOne();
        for (int id = 100_000; id < 102_500; id++) {
            fixture.store.put(ObjectKeys.dataKey(id), List.of(ByteBuffer.allocate(1)));
        }
        fixture.sim.advance(62_000);
        assertThat(fixture.store.keys()).containsExactly(known);
    }

    @Test
    void sweepsSlotsOfWalsThatTheQuorumDoesNotKnowAndSlotsBelowTheStart() {
        String known = uploadOne();
        List<String> kept = new ArrayList<>();
        List<String> garbage = new ArrayList<>();
        for (long slot = 0; slot < 4; slot++) {
            (slot < 2 ? garbage : kept).add(ObjectKeys.slotKey(7, 3, slot));
            kept.add(ObjectKeys.slotKey(7, 4, slot));
            garbage.add(ObjectKeys.slotKey(7, 2, slot));
            garbage.add(ObjectKeys.slotKey(70, 4, slot));
        }
        kept.add("wal/readme.txt");
        kept.add("wal/7/4/0");
        kept.forEach(key -> fixture.store.put(key, List.of(ByteBuffer.allocate(1))));
        garbage.forEach(key -> fixture.store.put(key, List.of(ByteBuffer.allocate(1))));
        List<WalState> wals =
                new ArrayList<>(List.of(new WalState(7, 3, 2, 3), new WalState(7, 4, 0, WalState.NOT_SEALED)));
        WalSweeper sweeper = new WalSweeper(
                SweepParts.of(fixture.config, fixture.parts()), broker -> broker == 7 ? wals : List.of());
        fixture.sim.advance(59_000);
        assertThat(fixture.store.keys()).containsAll(garbage);
        fixture.sim.advance(2_000);
        kept.add(known);
        assertThat(fixture.store.keys()).containsExactlyInAnyOrderElementsOf(kept);
        wals.remove(0);
        long restMs = fixture.config.orphanGraceMs() / 4;
        fixture.sim.advance(restMs + fixture.config.orphanGraceMs() + 2_000);
        assertThat(fixture.store.keys())
                .as("a retired WAL and its fence")
                .doesNotContain(ObjectKeys.slotKey(7, 3, 2), ObjectKeys.slotKey(7, 3, 3))
                .contains(ObjectKeys.slotKey(7, 4, 0));
        sweeper.close();
    }

    @Test
    void sparesAWalThatIsOpenedBetweenTwoPasses() {
        String slot = ObjectKeys.slotKey(8, 1, 0);
        fixture.store.put(slot, List.of(ByteBuffer.allocate(1)));
        List<WalState> wals = new ArrayList<>();
        WalSweeper sweeper = new WalSweeper(SweepParts.of(fixture.config, fixture.parts()), broker -> wals);
        fixture.sim.advance(59_000);
        wals.add(new WalState(8, 1, 0, WalState.NOT_SEALED));
        fixture.sim.advance(5_000);
        assertThat(fixture.store.keys()).contains(slot);
        sweeper.close();
    }

    /** A trim keeps every batch that holds an offset from the new start on, whatever it was asked for. */
    @Test
    void aTrimDeletesNoMoreThanWasAsked() {
        for (int i = 0; i < 30; i++) {
            uploadOne();
        }
        CompactionService compaction = fixture.compaction(
                CompactionConfig.defaults()
                        .withShape(CompactionConfig.Shape.defaults().dividedBy(1 << 16, 4096))
                        .withPace(200, 1 << 20),
                () -> false);
        for (long start = 1; start < owner.endOffset(); start += 3) {
            fixture.sim.await(owner.log().trim(start));
            fixture.sim.advance(1_100);
            assertThat(fixture.readAll(owner, start, owner.endOffset(), 300))
                    .isEqualTo(owner.expected(start, owner.endOffset()));
        }
        fixture.sim.advance(60_000);
        assertThat(fixture.readAll(owner, owner.endOffset() - 1, owner.endOffset(), 300))
                .hasSize(1);
        compaction.close();
    }
}
