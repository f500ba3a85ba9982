// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.reclaim;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.ObjectKeys;
import io.freshet.storage.StorageConfig;
import io.freshet.storage.fake.StorageFixture;
import io.freshet.storage.reclaim.SuspectAges.Age;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Sweeps by processes that do not live long, with a grace period of a minute. */
class SuspectAgesTest {
    private static final String SAVED = "sweep/" + StorageFixture.BROKER_ID + "/data";
    private static final String ORPHAN = ObjectKeys.dataKey(77_777);

    private final StorageFixture fixture = StorageFixture.idle(5);

    private void start() {
        StorageConfig config = fixture.config;
        fixture.config = config.withDeletion(100, 10_000, 100, 60_000);
        fixture.start();
    }

    private void putOrphan() {
        fixture.store.put(ORPHAN, List.of(ByteBuffer.allocate(10)));
    }

    private void live(long ms) {
        fixture.sim.advance(ms);
        fixture.crash();
        fixture.restart();
    }

    @Test
    void anOrphanGoesAlthoughNoProcessLivesForTheGracePeriod() {
        start();
        putOrphan();
        for (int life = 0; life < 3; life++) {
            live(19_000);
        }
        assertThat(fixture.store.keys()).as("seen for less than 57 s").contains(ORPHAN, SAVED);
        live(19_000);
        assertThat(fixture.store.keys()).doesNotContain(ORPHAN);
        fixture.sim.advance(1_000);
        assertThat(fixture.store.keys()).as("nothing is kept without suspects").isEmpty();
    }

    @Test
    void timeBetweenProcessesAndJumpsOfTheWallClockDoNotCount() {
        start();
        putOrphan();
        live(30_000);
        fixture.sim = new io.freshet.storage.fake.SimRuntime(fixture.sim.wallMs() + 86_400_000);
        fixture.restart();
        fixture.sim.advance(20_000);
        assertThat(fixture.store.keys()).contains(ORPHAN);
        fixture.sim.advance(20_000);
        assertThat(fixture.store.keys()).doesNotContain(ORPHAN);
    }

    @Test
    void anotherObjectUnderTheKeyIsSeenAnew() {
        start();
        putOrphan();
        live(50_000);
        putOrphan();
        fixture.sim.advance(55_000);
        assertThat(fixture.store.keys()).contains(ORPHAN);
        fixture.sim.advance(10_000);
        assertThat(fixture.store.keys()).doesNotContain(ORPHAN);
    }

    @Test
    void whatIsDamagedCountsAsNothing() {
        start();
        putOrphan();
        fixture.sim.advance(50_000);
        fixture.crash();
        ByteBuffer saved = fixture.store.bytes(SAVED);
        fixture.store.put(SAVED, List.of(saved.put(saved.limit() / 2, (byte) '9')));
        fixture.restart();
        fixture.sim.advance(50_000);
        assertThat(fixture.store.keys()).contains(ORPHAN);
        fixture.sim.advance(12_000);
        assertThat(fixture.store.keys()).doesNotContain(ORPHAN);
    }

    @Test
    void everyDamageIsNoticed() {
        Map<String, Age> ages = Map.of("data/1/2", new Age(1_000, 5), "wal/3", new Age(2_000, 60_000));
        String text = SuspectAges.encode(ages);
        assertThat(SuspectAges.decode(text)).contains(ages);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            assertThat(SuspectAges.decode(text.substring(0, i))).isEmpty();
            for (int bit = 0; bit < 8; bit++) {
                byte[] damaged = bytes.clone();
                damaged[i] ^= (byte) (1 << bit);
                assertThat(SuspectAges.decode(new String(damaged, StandardCharsets.ISO_8859_1)))
                        .isEmpty();
            }
        }
        assertThat(SuspectAges.decode(SuspectAges.encode(Map.of()))).contains(Map.of());
    }
}
