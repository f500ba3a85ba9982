// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.storage.fake.KillSwitch;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.fake.TestOwner;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A process that uploads, compacts, trims, reaps and sweeps dies at its n-th request to store or quorum, for every n; beginning,
 * each part and completion of an upload in parts are such requests. What comes after it must find every acknowledged batch,
 * and in the end exactly the objects that manifests name. Parts of an upload that was interrupted are no objects: the port does
 * not list them, the bucket's rule for incomplete uploads removes them.
 */
class CrashEverywhereTest {
    private static final CompactionConfig CONFIG = CompactionConfig.defaults()
            .withShape(CompactionConfig.Shape.defaults().dividedBy(1 << 12, 4096))
            .withPace(200, 64 << 20)
            .withMemoryBytes(64 << 10); // so that objects go up in several parts
    private static final int MAX_REQUESTS = 5_000;

    @ParameterizedTest(name = "the last request takes effect: {0}")
    @ValueSource(booleans = {true, false})
    void leavesNothingBehindAndLosesNothing(boolean takesEffect) {
        int mostParts = 0;
        for (int fatal = 1; fatal <= MAX_REQUESTS; fatal++) {
            try {
                Run run = new Run(fatal, takesEffect);
                boolean died = run.run();
                mostParts = Math.max(mostParts, run.abandonedParts());
                if (!died) {
                    assertThat(fatal).as("requests of the whole life").isGreaterThan(100);
                    assertThat(mostParts)
                            .as("parts of an upload that a death has interrupted")
                            .isGreaterThanOrEqualTo(3);
                    return;
                }
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("Dead at request " + fatal + ": " + e.getMessage(), e);
            }
        }
        throw new AssertionError("The life has more than " + MAX_REQUESTS + " requests");
    }

    private static final class Run {
        private static final int STREAMS = 3;
        private final KillSwitch kill = new KillSwitch();
        private final StorageFixture fixture = StorageFixture.idle(3);
        private List<Integer> abandoned = List.of();

        Run(int fatal, boolean takesEffect) {
            fixture.config = fixture.config.withDeletion(100, 500, 100, 2_000);
            fixture.seenStore = kill.guard(fixture.store);
            fixture.metadata.transport(kill);
            fixture.start();
            for (long stream = 1; stream <= STREAMS; stream++) {
                fixture.create(stream);
            }
            kill.arm(fatal, takesEffect);
        }

        /** False if the whole life passed before the fatal request. */
        boolean run() {
            live();
            boolean died = kill.isDead();
            if (!died) {
                assertThat(fixture.meters
                                .counter("freshet.compaction.objects.written")
                                .count())
                        .as("the life held compactions")
                        .isGreaterThanOrEqualTo(2);
                assertThat(fixture.meters
                                .counter("freshet.storage.reaper.deleted")
                                .count())
                        .as("and deletions")
                        .isGreaterThanOrEqualTo(2);
            }
            abandoned = fixture.store.openUploads();
            assertThat(abandoned)
                    .as("uploads in parts under way at the death, or left behind without one")
                    .hasSizeLessThanOrEqualTo(died ? 1 : 0);
            kill.disarm();
            fixture.crash();
            fixture.restart();
            fixture.uploadNow();
            verify();
            var compaction = fixture.compaction(CONFIG, () -> false);
            fixture.sim.advance(20_000);
            verify();
            compaction.close();
            fixture.sim.advance(10_000);
            assertThat(fixture.metadata.retiredObjects(10)).isEmpty();
            assertThat(fixture.store.keys()).containsExactlyInAnyOrderElementsOf(reachable());
            assertThat(fixture.store.openUploads())
                    .as("only the death's own upload is left to the bucket's rule for incomplete uploads")
                    .isEqualTo(abandoned);
            return died;
        }

        /** Parts of the upload that was under way at the death; 0 if none was. */
        int abandonedParts() {
            return abandoned.isEmpty() ? 0 : abandoned.get(0);
        }

        private void live() {
            fixture.compaction(CONFIG, () -> false);
            for (int i = 0; i < 10 && !kill.isDead(); i++) {
                for (TestOwner owner : fixture.owners.values()) {
                    owner.append(1, owner.streamId() == 1 ? 12_000 : 2_400);
                }
                fixture.storage().uploadNow();
                fixture.sim.advance(300);
                if (i == 6) {
                    TestOwner owner = fixture.owner(1);
                    owner.log().trim(owner.log().committedEndOffset() / 2);
                }
            }
            fixture.sim.advance(4_000);
        }

        private void verify() {
            for (TestOwner owner : fixture.owners.values()) {
                long start =
                        fixture.metadata.stream(owner.streamId()).orElseThrow().startOffset();
                assertThat(owner.acknowledgedEnd()).isEqualTo(owner.endOffset());
                if (owner.endOffset() > start) {
                    assertThat(fixture.readAll(owner, start, owner.endOffset(), 3_000))
                            .isEqualTo(owner.expected(start, owner.endOffset()));
                }
            }
        }

        private Set<String> reachable() {
            Set<String> keys = new TreeSet<>();
            for (LiveObject object : fixture.metadata.objects(-1, 1000)) {
                keys.add(ObjectKeys.dataKey(object.objectId()));
            }
            return keys;
        }
    }
}
