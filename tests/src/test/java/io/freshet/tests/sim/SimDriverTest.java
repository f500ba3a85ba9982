// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The simulated store must know which damage is its own doing: all other damage is a violation. */
class SimDriverTest {
    private static final String KEY = "wal/0/0000000000000001/0000000000000000";
    private static final byte[] STORED = "what the store holds".getBytes(java.nio.charset.StandardCharsets.UTF_8);

    @TempDir
    Path directory;

    @Test
    void damageThatWasReadBeforeTheHealingIsExplainedUntilTheObjectIsReadAgain() {
        try (StatePool states = new StatePool(directory)) {
            World world = worldThatDamagesReads(states);
            SimDriver driver = new SimDriver(world, world.process);
            world.store.put(KEY, STORED, "nonce");
            assertThat(driver.explains(damageOf(KEY))).isFalse();

            for (int reads = 0; !driver.explains(damageOf(KEY)); reads++) {
                assertThat(reads).as("reads of which none was damaged").isLessThan(10_000);
                assertThat(isReadAsStored(world, driver)).isEqualTo(!driver.explains(damageOf(KEY)));
            }
            assertThat(driver.explains(damageOf("wal/0/0000000000000001/0000000000000001")))
                    .isFalse();

            world.swarm.heal();
            assertThat(driver.explains(damageOf(KEY))).isTrue();
            assertThat(isReadAsStored(world, driver)).isTrue();
            assertThat(driver.explains(damageOf(KEY))).isFalse();
        }
    }

    private static World worldThatDamagesReads(StatePool states) {
        for (long seed = 1; ; seed++) {
            World world = new World(seed, Sabotage.NONE, states, null);
            if (world.swarm.readIsCorrupt > 0.02 && world.swarm.readFails == 0 && world.swarm.readIsTruncated == 0) {
                return world;
            }
        }
    }

    private static boolean isReadAsStored(World world, SimDriver driver) {
        ByteBuffer target = ByteBuffer.allocate(STORED.length);
        CompletableFuture<Void> read = driver.read(KEY, 0, target);
        world.time.runUntilMs(world.time.nowMs() + 10_000);
        assertThat(read).isCompleted();
        return target.equals(ByteBuffer.wrap(STORED));
    }

    private static FreshetException damageOf(String key) {
        return new FreshetException(ErrorKind.CORRUPT, "Slot '" + key + "' is damaged");
    }
}
