// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RequestMemoryTest {
    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;

    private final ManualClock clock = new ManualClock();
    private final RequestMemory memory = new RequestMemory(16 * MIB, clock);
    private final List<String> granted = new ArrayList<>();

    private RequestMemory.Grant acquire(String name, int bytes) {
        return acquire(memory, name, bytes);
    }

    private RequestMemory.Grant acquire(RequestMemory from, String name, int bytes) {
        return from.acquire(bytes, new RequestMemory.Holder() {
            @Override
            public void granted() {
                granted.add(name);
            }

            @Override
            public void evict(RequestMemory.Grant grant, int enoughBytes) {
                throw new AssertionError("Only stalled frames are evicted");
            }
        });
    }

    private List<RequestMemory.Grant> fill(int bytes, String name) {
        List<RequestMemory.Grant> grants = new ArrayList<>();
        while (memory.waitingCount() == 0) {
            grants.add(acquire(name, bytes));
        }
        grants.remove(grants.size() - 1).giveBack();
        return grants;
    }

    @Test
    void waitersOfOneSizeAreServedInOrderAndShortOnesDoNotOvertake() {
        RequestMemory one = new RequestMemory(2 * MIB, clock);
        RequestMemory.Grant first = acquire(one, "first", 1600 * KIB);
        RequestMemory.Grant second = acquire(one, "second", 1200 * KIB);
        RequestMemory.Grant third = acquire(one, "third", 100 * KIB);
        assertThat(first.isGiven()).isTrue();
        assertThat(second.isGiven()).isFalse();
        assertThat(third.isGiven()).isFalse();
        first.giveBack();
        assertThat(granted).containsExactly("second", "third");
        assertThat(one.usedBytes()).isEqualTo(1300 * KIB);
    }

    @Test
    void aRequestLargerThanTheBudgetIsLetInAlone() {
        RequestMemory.Grant first = acquire("first", 3 * MIB);
        RequestMemory.Grant huge = acquire("huge", 100 * MIB);
        assertThat(huge.isGiven()).isFalse();
        first.giveBack();
        assertThat(huge.isGiven()).isTrue();
        huge.giveBack();
        assertThat(memory.usedBytes()).isZero();
    }

    @Test
    void aWaiterThatLeavesLetsTheNextIn() {
        acquire("holder", 5 * MIB);
        RequestMemory.Grant leaving = acquire("leaving", 4 * MIB);
        acquire("next", 3 * MIB);
        leaving.giveBack();
        leaving.giveBack();
        assertThat(granted).containsExactly("next");
        assertThat(memory.usedBytes()).isEqualTo(8 * MIB);
        assertThat(memory.waitingCount()).isZero();
    }

    @Test
    void hugeRequestsLeaveHalfOfTheBudgetToOthers() {
        RequestMemory.Grant alone = acquire("alone", 100 * MIB);
        RequestMemory.Grant huge = acquire("huge", 5 * MIB);
        assertThat(alone.isGiven()).as("more than its half, but alone").isTrue();
        assertThat(huge.isGiven()).isFalse();
        for (int i = 0; i < 6; i++) {
            assertThat(acquire("small", MIB).isGiven()).isTrue();
        }
        assertThat(acquire("beyond", MIB).isGiven()).isFalse();
        for (int i = 0; i < 2 * MIB / (32 * KIB); i++) {
            assertThat(acquire("whole", 32 * KIB).isGiven()).isTrue();
        }
        assertThat(acquire("whole beyond", KIB).isGiven()).isFalse();
        alone.giveBack();
        assertThat(granted).containsExactlyInAnyOrder("whole beyond", "beyond", "huge");
        assertThat(memory.usedBytes()).isEqualTo(14L * MIB + KIB);
    }

    @Test
    void smallRequestsLeaveAnEighthToWholeOnes() {
        assertThat(fill(MIB, "small")).hasSize(14);
        assertThat(fill(32 * KIB, "whole")).hasSize(2 * MIB / (32 * KIB));
        assertThat(memory.usedBytes()).isEqualTo(16 * MIB);
    }

    @Test
    void wholeRequestsLeaveHalfToOthers() {
        assertThat(fill(32 * KIB, "whole")).hasSize(8 * MIB / (32 * KIB));
        assertThat(fill(2 * MIB, "small")).hasSize(4);
    }

    @Test
    void whatIsWantedCountsOnceTheFirstHasWaitedLongEnough() {
        fill(2 * MIB, "holder");
        acquire("first", MIB);
        clock.advanceMs(200);
        acquire("second", 2 * MIB);
        assertThat(memory.wantedBytes(RequestSize.SMALL, 250_000_000)).isZero();
        clock.advanceMs(50);
        assertThat(memory.wantedBytes(RequestSize.SMALL, 250_000_000)).isEqualTo(3 * MIB);
        assertThat(memory.wantedBytes(RequestSize.LARGE, 250_000_000)).isZero();
    }

    @Test
    void onlyFramesThatAreBeingReadAreIncomplete() {
        RequestMemory.Grant reading = acquire("reading", MIB);
        RequestMemory.Grant read = acquire("read", MIB);
        RequestMemory.Grant returned = acquire("returned", MIB);
        acquire("whole", KIB);
        reading.received(MIB - 1);
        read.received(MIB);
        returned.giveBack();
        assertThat(memory.incomplete()).containsExactly(reading);
    }

    /** Whatever happens in whatever order: bounds hold, nobody waits while there is room for all, all of it comes back. */
    @Test
    void aRandomMixStaysWithinItsBoundsAndEmpties() {
        long seed = Long.getLong("seed", 20260101L);
        Random random = new Random(seed);
        List<RequestMemory.Grant> live = new ArrayList<>();
        for (int step = 0; step < 20_000; step++) {
            if (random.nextInt(3) > 0 && live.size() < 500) {
                int[] most = {32 * KIB, 2 * MIB, 9 * MIB};
                live.add(acquire("any", 1 + random.nextInt(most[random.nextInt(3)])));
            } else if (!live.isEmpty()) {
                live.remove(random.nextInt(live.size())).giveBack();
            }
            assertThat(memory.usedBytes()).as("seed %d, step %d", seed, step).isLessThanOrEqualTo(25L * MIB);
            long given = live.stream()
                    .filter(RequestMemory.Grant::isGiven)
                    .mapToLong(RequestMemory.Grant::bytes)
                    .sum();
            assertThat(memory.usedBytes()).as("seed %d, step %d", seed, step).isEqualTo(given);
            if (given == 0) {
                assertThat(memory.waitingCount())
                        .as("seed %d, step %d", seed, step)
                        .isZero();
            }
        }
        live.forEach(RequestMemory.Grant::giveBack);
        assertThat(memory.usedBytes()).isZero();
        assertThat(memory.waitingCount()).isZero();
    }
}
