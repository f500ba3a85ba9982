// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.objectstore.fault.Fault.Effect;
import io.freshet.objectstore.fault.Faults;
import io.freshet.objectstore.fault.FaultyDriver;
import io.freshet.objectstore.memory.MemoryDriver;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The contract holds over a store that fails every fifth request, because each is retried. */
class FaultyStoreTest extends ObjectStoreContract {
    private final StoreFixture fixture = new StoreFixture();
    private ObjectStore store;

    @BeforeEach
    void open() {
        Randomness seeded = seeded(42);
        Faults faults = Faults.seeded(
                seeded, 0.2, 0, List.of(Effect.LOST_REQUEST, Effect.LOST_ANSWER, Effect.SLOW_DOWN, Effect.TRUNCATED));
        MemoryDriver memory = new MemoryDriver("faulty", Clock.system());
        store = fixture.over(new FaultyDriver(memory, faults, fixture.scheduler, seeded), StoreFixture.FAST);
    }

    static Randomness seeded(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        return () -> {
            synchronized (random) {
                return random.nextLong();
            }
        };
    }

    @AfterEach
    void close() {
        store.close();
        fixture.close();
    }

    @Override
    ObjectStore store() {
        return store;
    }
}
