// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.produce;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Requests are named by their connection and a number; the digit behind the colon, if any, is the lane that they use. */
class HeldRequestsTest {
    private final ArrayDeque<Runnable> scheduled = new ArrayDeque<>();
    private final List<String> served = new ArrayList<>();
    private final Set<String> fullLanes = new HashSet<>();
    private final Set<String> moved = new HashSet<>();
    private final HeldRequests<String> held = new HeldRequests<>(
            (delayMs, task) -> {
                scheduled.add(task);
                return () -> scheduled.remove(task);
            },
            request -> request.substring(0, 1),
            request -> fullLanes.contains(laneOf(request)) && !moved.contains(request),
            this::serve);
    private String pauseAt = "";

    private static String laneOf(String request) {
        return request.contains(":") ? request.substring(request.indexOf(':') + 1) : "0";
    }

    private void overload(String lane) {
        fullLanes.add(lane);
        held.overloaded(true);
    }

    private void makeRoom(String lane) {
        fullLanes.remove(lane);
        held.overloaded(!fullLanes.isEmpty());
    }

    private void serve(String request) {
        served.add(request);
        if (request.equals(pauseAt)) {
            overload("0");
        }
    }

    @Test
    void holdsNothingWhileThereIsRoom() {
        assertThat(held.hold("a1", 10)).isFalse();
    }

    @Test
    void servesInOrderAndHoldsAConnectionsNewcomersUntilItsLastOneIsServed() {
        overload("0");
        assertThat(held.hold("a1", 10)).isTrue();
        assertThat(held.hold("b1", 10)).isTrue();
        makeRoom("0");
        assertThat(held.hold("a2", 10)).isTrue();
        assertThat(held.hold("c1", 10)).as("nothing of c is held").isFalse();
        scheduled.remove().run();
        assertThat(served).containsExactly("a1", "b1", "a2");
        assertThat(held.hold("a3", 10)).isFalse();
    }

    @Test
    void holdsOnlyWhatUsesTheFullLaneAndWhatFollowsOnTheSameConnection() {
        overload("1");
        assertThat(held.hold("a1:0", 10)).isFalse();
        assertThat(held.hold("a2:1", 10)).isTrue();
        assertThat(held.hold("a3:0", 10)).as("behind a held one").isTrue();
        assertThat(held.hold("b1:0", 10)).isFalse();
        overload("2");
        assertThat(held.hold("c1:2", 10)).isTrue();
        makeRoom("2");
        scheduled.remove().run();
        assertThat(served).containsExactly("c1:2");
        makeRoom("1");
        scheduled.remove().run();
        assertThat(served).containsExactly("c1:2", "a2:1", "a3:0");
        assertThat(held.hold("a4:1", 10)).isFalse();
    }

    @Test
    void servesWhatMayGoOnWhenToldAgainThoughTheLaneIsStillFull() {
        overload("1");
        assertThat(held.hold("a1:1", 10)).isTrue();
        assertThat(held.hold("b1:1", 10)).isTrue();
        moved.add("a1:1");
        held.overloaded(true);
        scheduled.remove().run();
        assertThat(served).containsExactly("a1:1");
        assertThat(held.hold("b2:1", 10)).isTrue();
    }

    @Test
    void stopsServingWhenOverloadedAgain() {
        overload("0");
        held.hold("a1", 10);
        held.hold("b1", 10);
        pauseAt = "a1";
        makeRoom("0");
        scheduled.remove().run();
        assertThat(served).containsExactly("a1");
        assertThat(held.hold("c1", 10)).isTrue();
        makeRoom("0");
        scheduled.remove().run();
        assertThat(served).containsExactly("a1", "b1", "c1");
    }

    @Test
    void lettingGoTwiceServesOnce() {
        overload("0");
        held.hold("a1", 10);
        makeRoom("0");
        overload("0");
        makeRoom("0");
        assertThat(scheduled).hasSize(1);
        scheduled.remove().run();
        assertThat(served).containsExactly("a1");
        assertThat(held.hold("b1", 10)).isFalse();
    }

    @Test
    void handsOutWhatIsLate() {
        overload("0");
        held.hold("a1", 10);
        held.hold("a2", 20);
        assertThat(held.expired(15)).containsExactly("a1");
        makeRoom("0");
        scheduled.remove().run();
        assertThat(served).containsExactly("a2");
        assertThat(held.hold("a3", 20)).isFalse();
    }
}
