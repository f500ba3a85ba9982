// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RequestMemoryTest {
    private final RequestMemory memory = new RequestMemory(100);
    private final List<String> granted = new ArrayList<>();

    private RequestMemory.Grant acquire(String name, int bytes) {
        return memory.acquire(bytes, () -> granted.add(name));
    }

    @Test
    void waitersAreServedInOrderAndSmallOnesDoNotOvertake() {
        RequestMemory.Grant first = acquire("first", 80);
        RequestMemory.Grant second = acquire("second", 60);
        RequestMemory.Grant third = acquire("third", 10);
        assertThat(first.isGiven()).isTrue();
        assertThat(second.isGiven()).isFalse();
        assertThat(third.isGiven()).isFalse();
        first.giveBack();
        assertThat(granted).containsExactly("second", "third");
        assertThat(memory.usedBytes()).isEqualTo(70);
    }

    @Test
    void aRequestLargerThanTheBudgetIsLetInAlone() {
        RequestMemory.Grant small = acquire("small", 1);
        RequestMemory.Grant large = acquire("large", 500);
        assertThat(large.isGiven()).isFalse();
        small.giveBack();
        assertThat(large.isGiven()).isTrue();
        large.giveBack();
        assertThat(memory.usedBytes()).isZero();
    }

    @Test
    void aWaiterThatLeavesLetsTheNextIn() {
        acquire("holder", 50);
        RequestMemory.Grant leaving = acquire("leaving", 60);
        acquire("next", 50);
        leaving.giveBack();
        leaving.giveBack();
        assertThat(granted).containsExactly("next");
        assertThat(memory.usedBytes()).isEqualTo(100);
        assertThat(memory.waitingCount()).isZero();
    }

    @Test
    void hugeRequestsLeaveHalfOfTheBudgetToSmallOnes() {
        int mib = 1 << 20;
        RequestMemory shared = new RequestMemory(16L * mib);
        RequestMemory.Grant alone = shared.acquire(100 * mib, () -> granted.add("alone"));
        RequestMemory.Grant huge = shared.acquire(5 * mib, () -> granted.add("huge"));
        assertThat(alone.isGiven()).as("more than its half, but alone").isTrue();
        assertThat(huge.isGiven()).isFalse();
        for (int i = 0; i < 8; i++) {
            assertThat(shared.acquire(mib, () -> {}).isGiven()).isTrue();
        }
        RequestMemory.Grant beyond = shared.acquire(mib, () -> granted.add("small"));
        assertThat(beyond.isGiven()).isFalse();
        alone.giveBack();
        assertThat(granted).containsExactlyInAnyOrder("small", "huge");
        assertThat(shared.usedBytes()).isEqualTo(14L * mib);
    }
}
