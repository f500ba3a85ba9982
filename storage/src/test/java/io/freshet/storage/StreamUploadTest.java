// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestOwner;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** From the tail into objects, whatever store and quorum say to it. */
class StreamUploadTest extends OneBrokersStorage {
    @Test
    void trimsTheWalOnceEverythingIsCommitted() {
        TestOwner owner = startWith(30);
        TestOwner idle = fixture.create(2);
        append(idle, 1);
        assertThat(fixture.device.recordCount()).isEqualTo(31);
        fixture.uploadNow();
        assertThat(fixture.device.recordCount())
                .as("the newest record may stay")
                .isLessThanOrEqualTo(1);
        append(owner, 5);
        fixture.uploadNow();
        assertThat(fixture.device.recordCount()).isLessThanOrEqualTo(1);
    }

    @Test
    void trimsWhatBecomesDurableAfterItsStreamWasClosed() {
        fixture.config = fixture.config.withUpload(100_000, 5_000);
        fixture.immediateWal = false;
        fixture.start();
        TestOwner gone = fixture.create(1);
        append(gone, 3);
        gone.log().close(true);
        fixture.sim.advance(60_000);
        assertThat(fixture.wal().waitingCount()).isEqualTo(3);
        fixture.wal().flush(3);
        assertThat(fixture.device.recordCount()).isEqualTo(3);
        fixture.sim.advance(1_000);
        assertThat(fixture.device.recordCount()).isZero();
    }

    @Test
    void uploadsBySizeAndByAge() {
        fixture.config = fixture.config.withUpload(100_000, 5_000);
        TestOwner owner = startWith(1);
        fixture.sim.advance(4_000);
        assertThat(fixture.store.keys()).isEmpty();
        fixture.sim.advance(2_000);
        assertThat(fixture.store.keys()).hasSize(1);
        while (fixture.store.keys().size() < 2 && owner.endOffset() < 100_000) {
            owner.append(1, 2000);
            fixture.sim.runReady();
        }
        assertThat(fixture.store.keys()).hasSize(2);
        fixture.uploadNow();
        assertReadsEverything(owner);
    }

    @Test
    void putsLargeRunsIntoObjectsOfTheirOwn() {
        fixture.config = fixture.config.withObjects(20_000, 10_000, 4096);
        fixture.start();
        for (long stream = 1; stream <= 6; stream++) {
            TestOwner owner = fixture.create(stream);
            while (owner.log().sizeBytes() < (stream == 2 ? 30_000 : 6_000)) {
                owner.append(1, 500);
            }
        }
        fixture.uploadNow();
        assertThat(fixture.store.keys()).hasSize(3);
        fixture.owners.values().forEach(this::assertReadsEverything);
    }

    @Test
    void refusesAppendsWhenUploadsLagAndTakesThemAgainLater() {
        fixture.start();
        TestOwner owner = fixture.create(1);
        List<Boolean> told = new ArrayList<>();
        fixture.storage().addOverloadListener(told::add);
        fixture.store.transport(new Down());
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 100_000; i++) {
                        owner.append(1, 50_000);
                        fixture.sim.advance(1);
                    }
                })
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.THROTTLED));
        assertThat(fixture.storage().isOverloaded()).isTrue();
        assertThat(told).containsExactly(true);
        fixture.store.transport(new Up());
        fixture.sim.advance(60_000);
        assertThat(fixture.storage().isOverloaded()).isFalse();
        assertThat(told).containsExactly(true, false);
        append(owner, 5);
        fixture.uploadNow();
        assertReadsEverything(owner);
        assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
    }

    @Test
    void repeatsPutsAndCommitsUntilTheySucceed() {
        TestOwner owner = startWith(10);
        fixture.store.transport(new FailsFirst(3, false));
        fixture.metadata.transport(new FailsFirst(2, false));
        fixture.uploadNow();
        assertThat(fixture.store.keys()).hasSize(1);
        append(owner, 3);
        fixture.metadata.transport(new FailsFirst(2, true));
        fixture.uploadNow();
        assertThat(fixture.store.keys()).hasSize(2);
        assertThat(owner.log().committedEndOffset()).isEqualTo(owner.endOffset());
        assertReadsEverything(owner);
    }

    @Test
    void dropsTheTailOfAStreamThatWentToAnotherBroker() {
        TestOwner lost = startWith(5);
        TestOwner kept = fixture.create(2);
        append(kept, 5);
        fixture.metadata.moveStream(1, 99);
        fixture.uploadNow();
        assertThatThrownBy(() -> lost.append(1, 10))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FENCED));
        assertThat(kept.log().committedEndOffset()).isEqualTo(kept.endOffset());
        assertThat(fixture.metadata.stream(1).orElseThrow().endOffset()).isZero();
        assertThat(fixture.device.recordCount()).isLessThanOrEqualTo(1);
    }

    @Test
    void keepsTheTailOfAStreamWhoseLeaderEpochMovedOnHere() {
        TestOwner owner = startWith(5);
        int leaderEpoch = fixture.metadata.moveStream(1, StorageFixture.BROKER_ID);
        fixture.uploadNow();
        assertThat(owner.log().committedEndOffset()).isZero();
        StreamLog log = fixture.sim.await(fixture.storage().open(1, leaderEpoch, owner));
        owner.opened(log);
        append(owner, 2);
        fixture.uploadNow();
        assertThat(log.committedEndOffset()).isEqualTo(owner.endOffset());
        assertReadsEverything(owner);
    }

    @Test
    void aDeletedStreamNeitherUploadsNorHoldsTheWal() {
        TestOwner gone = startWith(5);
        TestOwner other = fixture.create(2);
        append(other, 2);
        fixture.metadata.deleteStream(1);
        gone.log().close(true);
        fixture.uploadNow();
        assertThat(fixture.device.recordCount()).isLessThanOrEqualTo(1);
        assertThat(fixture.metadata.segments(1, 0, 10)).isEmpty();
        assertThat(kindOf(fixture.storage().open(1, 9, gone))).isEqualTo(ErrorKind.FENCED);
    }

    @Test
    void aClosedStreamIsStillUploaded() {
        TestOwner owner = startWith(5);
        owner.log().close(false);
        assertThatThrownBy(() -> owner.append(1, 10))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FENCED));
        fixture.uploadNow();
        assertThat(fixture.metadata.stream(1).orElseThrow().endOffset()).isEqualTo(owner.endOffset());
        assertThat(fixture.ledger.live()).isZero();
        fixture.open(owner);
        assertReadsEverything(owner);
    }

    /** Nothing answers. */
    private static final class Down implements MemoryStreamMetadata.Transport {
        @Override
        public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
            return CompletableFuture.failedFuture(new FreshetException(ErrorKind.UNAVAILABLE, name + " is down"));
        }
    }

    /** All is well. */
    private static final class Up implements MemoryStreamMetadata.Transport {
        @Override
        public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
            return CompletableFuture.completedFuture(command.get());
        }
    }

    /** The first few fail, before the command or after it. */
    private static final class FailsFirst implements MemoryStreamMetadata.Transport {
        private final boolean afterwards;
        private int left;

        FailsFirst(int count, boolean afterwards) {
            this.left = count;
            this.afterwards = afterwards;
        }

        @Override
        public <T> CompletableFuture<T> send(String name, Supplier<T> command) {
            if (left-- <= 0) {
                return CompletableFuture.completedFuture(command.get());
            }
            T lost = afterwards ? command.get() : null;
            assertThat(lost == null || afterwards).isTrue();
            return CompletableFuture.failedFuture(new FreshetException(
                    afterwards ? ErrorKind.INDETERMINATE : ErrorKind.UNAVAILABLE, name + " fails"));
        }
    }
}
