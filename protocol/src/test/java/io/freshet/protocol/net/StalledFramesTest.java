// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class StalledFramesTest {
    private static final int MIB = 1 << 20;

    private final ManualClock clock = new ManualClock();
    private final RequestMemory memory = new RequestMemory(16 * MIB, clock);
    private final StalledFrames stalled = new StalledFrames(memory, clock);
    private final List<String> evicted = new ArrayList<>();
    private final List<String> granted = new ArrayList<>();
    private final Map<String, RequestMemory.Grant> asked = new HashMap<>();
    private final List<String> slow = new ArrayList<>();

    /** A request that is closed when it is evicted, as a connection does. */
    private RequestMemory.Grant ask(String name, int bytes) {
        RequestMemory.Grant grant = memory.acquire(bytes, new RequestMemory.Holder() {
            @Override
            public void granted() {
                granted.add(name);
                if (!slow.contains(name)) {
                    Objects.requireNonNull(asked.get(name)).received(RequestSize.WHOLE_BYTES);
                }
            }

            @Override
            public void evict(RequestMemory.Grant evictedGrant, int enoughBytes) {
                assertThat(evictedGrant.receivedBytes()).isLessThan(enoughBytes);
                evicted.add(name);
                evictedGrant.giveBack();
            }
        });
        if (grant.isGiven()) {
            grant.received(RequestSize.WHOLE_BYTES);
        }
        asked.put(name, grant);
        return grant;
    }

    private List<RequestMemory.Grant> fill(String name) {
        List<RequestMemory.Grant> grants = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            grants.add(ask(name + i, 2 * MIB));
        }
        assertThat(grants).allMatch(RequestMemory.Grant::isGiven);
        return grants;
    }

    private void pass(long ms) {
        for (long left = ms; left > 0; left -= StalledFrames.CHECK_MS) {
            clock.advanceMs(StalledFrames.CHECK_MS);
            stalled.run();
        }
    }

    @Test
    void nobodyIsEvictedWhileNobodyWaits() {
        fill("silent");
        pass(120_000);
        assertThat(evicted).isEmpty();
    }

    @Test
    void silentFramesGoAfterASecondAsManyAsTheWaitingNeed() {
        fill("silent");
        ask("a", 2 * MIB);
        ask("b", MIB);
        pass(750);
        assertThat(evicted).isEmpty();
        pass(250);
        assertThat(evicted).hasSize(2);
        assertThat(granted).containsExactly("a", "b");
        pass(120_000);
        assertThat(evicted).hasSize(2);
    }

    @Test
    void aFrameThatLaterStopsIsFoundToo() {
        List<RequestMemory.Grant> frames = fill("late");
        frames.forEach(frame -> frame.received(MIB));
        ask("a", MIB);
        pass(1000);
        assertThat(evicted).isEmpty();
        pass(1000);
        assertThat(evicted).hasSize(1);
        assertThat(granted).containsExactly("a");
    }

    @Test
    void aFrameWhoseEventLoopIsLateHasItsSecondToo() {
        for (int i = 0; i < 7; i++) {
            slow.add("late" + i);
        }
        List<RequestMemory.Grant> silent = fill("silent");
        for (String name : slow) {
            ask(name, 2 * MIB);
        }
        silent.forEach(RequestMemory.Grant::giveBack);
        assertThat(granted).containsExactlyElementsOf(slow);
        ask("a", MIB);
        pass(5000);
        assertThat(evicted).isEmpty();
        slow.forEach(name -> Objects.requireNonNull(asked.get(name)).received(RequestSize.WHOLE_BYTES));
        pass(750);
        assertThat(evicted).isEmpty();
        pass(250);
        assertThat(evicted).hasSize(1);
        assertThat(granted).contains("a");
    }

    @Test
    void drippingFramesAreEvicted() {
        List<RequestMemory.Grant> frames = fill("drip");
        ask("a", MIB);
        for (int i = 0; i < 4; i++) {
            frames.forEach(frame -> frame.received(frame.receivedBytes() + 1));
            pass(250);
        }
        assertThat(evicted).hasSize(1);
    }

    @Test
    void framesThatWouldBeCompleteInHalfAMinuteAreLeftAlone() {
        List<RequestMemory.Grant> frames = fill("honest");
        ask("a", MIB);
        for (int i = 0; i < 100; i++) {
            frames.forEach(frame -> frame.received(frame.receivedBytes() + frame.bytes() / 30 / 4 + 1));
            pass(250);
        }
        assertThat(evicted).isEmpty();
        frames.get(3).giveBack();
        assertThat(granted).containsExactly("a");
    }

    @Test
    void theSlowestGoesFirst() {
        List<RequestMemory.Grant> frames = fill("slow");
        ask("a", MIB);
        for (int i = 0; i < 4; i++) {
            for (int f = 0; f < frames.size(); f++) {
                frames.get(f).received(frames.get(f).receivedBytes() + 1000 + 100 * ((f + 4) % 7));
            }
            pass(250);
        }
        assertThat(evicted).containsExactly("slow3");
    }

    @Test
    void completeRequestsAreTheHandlersAndStay() {
        fill("handled").forEach(frame -> frame.received(frame.bytes()));
        ask("a", MIB);
        pass(60_000);
        assertThat(evicted).isEmpty();
        assertThat(granted).isEmpty();
    }

    @Test
    void largeFramesMakeRoomForAllAndSmallOnesNotForLargeOnes() {
        ask("large", 100 * MIB);
        for (int i = 0; i < 3; i++) {
            ask("small" + i, 2 * MIB);
        }
        ask("next large", 90 * MIB);
        pass(1000);
        assertThat(evicted).containsExactly("large");
        ask("third large", 80 * MIB);
        pass(2000);
        assertThat(evicted).containsExactly("large", "next large");
        assertThat(granted).containsExactly("next large", "third large");
    }

    @Test
    void whoeverComesBackForMoreIsEvictedAgainAndTheQueueMovesOn() {
        fill("first");
        for (int i = 0; i < 50; i++) {
            ask("again" + i, 2 * MIB);
        }
        ask("honest", MIB);
        pass(250);
        assertThat(granted).isEmpty();
        int seconds = 0;
        while (!granted.contains("honest")) {
            assertThat(seconds++).isLessThan(60 / 7 + 2);
            pass(1000);
            ask("back" + seconds, 2 * MIB);
        }
        assertThat(evicted).hasSizeGreaterThan(50);
    }
}
