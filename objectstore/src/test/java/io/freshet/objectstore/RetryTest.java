// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import static io.freshet.objectstore.ObjectStoreContract.assertFails;
import static io.freshet.objectstore.ObjectStoreContract.get;
import static io.freshet.objectstore.ObjectStoreContract.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Scheduler;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.fault.Fault;
import io.freshet.objectstore.fault.Fault.Effect;
import io.freshet.objectstore.fault.Fault.Op;
import io.freshet.objectstore.fault.Faults;
import io.freshet.objectstore.fault.FaultyDriver;
import io.freshet.objectstore.fault.ScriptedFaults;
import io.freshet.objectstore.memory.MemoryDriver;
import io.freshet.objectstore.retry.RetryPolicy;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Retries and the settling of lost answers, step by step: the scheduler runs each task at once and notes its delay. */
class RetryTest {
    private static final RetryPolicy POLICY = new RetryPolicy(4, 100, 250);

    private final List<Long> delays = new ArrayList<>();
    private final Scheduler atOnce = (delayMs, task) -> {
        delays.add(delayMs);
        task.run();
        return () -> {};
    };
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final MemoryDriver memory = new MemoryDriver("test", Clock.system());
    private final ScriptedFaults faults = new ScriptedFaults();
    private final ObjectStore store = store(faults, 7);

    private ObjectStore store(Faults policy, long seed) {
        var randomness = FaultyStoreTest.seeded(seed);
        return ObjectStores.over(
                new FaultyDriver(memory, policy, atOnce, randomness),
                POLICY,
                meters,
                Clock.system(),
                atOnce,
                randomness);
    }

    private static Fault fault(Effect effect) {
        return Fault.of(effect);
    }

    @Test
    void transientErrorsAreRetriedWithGrowingBoundedDelays() {
        faults.then(Op.PUT, fault(Effect.LOST_REQUEST), fault(Effect.SLOW_DOWN), fault(Effect.LOST_ANSWER));
        get(store.put("a", text("x")));
        assertThat(delays).hasSize(3);
        assertThat(delays.get(0)).isBetween(0L, 100L);
        assertThat(delays.get(1)).isBetween(0L, 200L);
        assertThat(delays.get(2)).isBetween(0L, 250L);
        assertThat(meters.get("freshet.objectstore.retries")
                        .tag("op", "put")
                        .counter()
                        .count())
                .isEqualTo(3);
        assertThat(meters.get("freshet.objectstore.requests")
                        .tags("op", "put", "outcome", "throttled")
                        .counter()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void givesUpAfterTheLastAttemptAndSaysSo() {
        faults.always(Op.STAT, fault(Effect.SLOW_DOWN));
        assertThatThrownBy(() -> get(store.stat("a")))
                .hasMessageContaining("gave up after 4 attempts")
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.THROTTLED));
        assertThat(delays).hasSize(3);
    }

    @Test
    void saysWhatElseTheTriesFailedWith() {
        faults.then(Op.STAT, fault(Effect.LOST_REQUEST), fault(Effect.LOST_REQUEST));
        faults.always(Op.STAT, fault(Effect.SLOW_DOWN));
        assertThatThrownBy(() -> get(store.stat("a")))
                .hasMessageMatching(".*slow.*\\(gave up after 4 attempts; others failed with [^(]*lost[^,]*\\)");
    }

    @Test
    void permanentErrorsAreNotRetried() {
        assertFails(store.read("missing", 0, ByteBuffer.allocate(1)), ErrorKind.MISSING);
        get(store.put("short", text("x")));
        assertFails(store.read("short", 0, ByteBuffer.allocate(2)), ErrorKind.CORRUPT);
        assertThat(delays).isEmpty();
    }

    @Test
    void aTruncatedReadIsRepeatedFromItsBeginning() {
        get(store.put("a", text("0123456789")));
        faults.then(Op.READ, fault(Effect.TRUNCATED), fault(Effect.TRUNCATED));
        ByteBuffer target = ByteBuffer.allocate(12).position(1).limit(11);
        get(store.read("a", 0, target));
        assertThat(target.position()).isEqualTo(11);
        assertThat(new String(target.array(), 1, 10, java.nio.charset.StandardCharsets.US_ASCII))
                .isEqualTo("0123456789");
        assertThat(delays).hasSize(2);
    }

    @Test
    void aFlippedBitGoesThroughUnseen() {
        get(store.put("a", text("0123456789")));
        faults.then(Op.READ, fault(Effect.BIT_FLIP));
        byte[] bytes = new byte[10];
        get(store.read("a", 0, ByteBuffer.wrap(bytes)));
        int flipped = 0;
        for (int i = 0; i < 10; i++) {
            flipped += Integer.bitCount(bytes[i] ^ ('0' + i));
        }
        assertThat(flipped).isEqualTo(1);
    }

    @Test
    void aLostAnswerOfPutIfAbsentIsStillCreated() {
        faults.then(Op.CREATE, fault(Effect.LOST_ANSWER));
        assertThat(get(store.putIfAbsent("a", text("mine")))).isEqualTo(PutOutcome.CREATED);
    }

    @Test
    void aRefusalAfterALostRequestIsSomebodyElsesObject() {
        get(store.putIfAbsent("a", text("theirs")));
        faults.then(Op.CREATE, fault(Effect.LOST_REQUEST));
        assertThat(get(store.putIfAbsent("a", text("theirs")))).isEqualTo(PutOutcome.ALREADY_EXISTS);
    }

    @Test
    void whenEveryAnswerIsLostTheNonceDecides() {
        faults.always(Op.CREATE, fault(Effect.LOST_ANSWER));
        assertThat(get(store.putIfAbsent("a", text("mine")))).isEqualTo(PutOutcome.CREATED);
        faults.always(Op.CREATE, fault(Effect.LOST_REQUEST));
        assertThat(get(store.putIfAbsent("a", text("other")))).isEqualTo(PutOutcome.ALREADY_EXISTS);
        assertFails(store.putIfAbsent("b", text("other")), ErrorKind.INDETERMINATE);
    }

    @Test
    void anOutcomeThatCannotBeLookedUpIsIndeterminate() {
        faults.then(Op.CREATE, fault(Effect.LOST_ANSWER)).always(Op.SETTLE, fault(Effect.LOST_REQUEST));
        assertThatThrownBy(() -> get(store.putIfAbsent("a", text("mine"))))
                .hasMessageContaining("read the object back")
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INDETERMINATE));
    }

    @Test
    void aThrottledPutIfAbsentCertainlyWroteNothing() {
        faults.always(Op.CREATE, fault(Effect.SLOW_DOWN));
        assertFails(store.putIfAbsent("a", text("x")), ErrorKind.THROTTLED);
        assertThat(get(store.stat("a"))).isEmpty();
    }

    @Test
    void aDeleteThatFailsNamesItsKeys() {
        get(store.put("a", text("x")));
        faults.always(Op.DELETE, fault(Effect.LOST_REQUEST));
        assertThat(get(store.delete(List.of("a", "b"))).failed()).containsOnlyKeys("a", "b");
        faults.heal();
        assertThat(get(store.delete(List.of("a", "b"))).failed()).isEmpty();
    }

    @Test
    void theSameSeedMakesTheSameFaults() {
        assertThat(transcript(11)).isEqualTo(transcript(11)).isNotEqualTo(transcript(12));
    }

    private List<Long> transcript(long seed) {
        delays.clear();
        Faults seeded = Faults.seeded(
                FaultyStoreTest.seeded(seed),
                0.3,
                50,
                List.of(Effect.LOST_REQUEST, Effect.LOST_ANSWER, Effect.SLOW_DOWN));
        ObjectStore faulty = store(seeded, seed);
        for (int i = 0; i < 50; i++) {
            faulty.put("k" + i, text("x")).exceptionally(e -> null).join();
        }
        return List.copyOf(delays);
    }
}
