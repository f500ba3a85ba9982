// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.produce;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeldRequestsTest {
    private final ArrayDeque<Runnable> scheduled = new ArrayDeque<>();
    private final List<String> served = new ArrayList<>();
    private final HeldRequests<String> held = new HeldRequests<>(
            (delayMs, task) -> {
                scheduled.add(task);
                return () -> scheduled.remove(task);
            },
            this::serve);
    private String pauseAt = "";

    private void serve(String request) {
        served.add(request);
        if (request.equals(pauseAt)) {
            held.overloaded(true);
        }
    }

    @Test
    void holdsNothingWhileThereIsRoom() {
        assertThat(held.hold("a", 10)).isFalse();
    }

    @Test
    void servesInOrderAndHoldsNewcomersUntilTheLastOneIsServed() {
        held.overloaded(true);
        assertThat(held.hold("a", 10)).isTrue();
        assertThat(held.hold("b", 10)).isTrue();
        held.overloaded(false);
        assertThat(held.hold("c", 10)).isTrue();
        scheduled.remove().run();
        assertThat(served).containsExactly("a", "b", "c");
        assertThat(held.hold("d", 10)).isFalse();
    }

    @Test
    void stopsServingWhenOverloadedAgain() {
        held.overloaded(true);
        held.hold("a", 10);
        held.hold("b", 10);
        pauseAt = "a";
        held.overloaded(false);
        scheduled.remove().run();
        assertThat(served).containsExactly("a");
        assertThat(held.hold("c", 10)).isTrue();
        held.overloaded(false);
        scheduled.remove().run();
        assertThat(served).containsExactly("a", "b", "c");
    }

    @Test
    void lettingGoTwiceServesOnce() {
        held.overloaded(true);
        held.hold("a", 10);
        held.overloaded(false);
        held.overloaded(true);
        held.overloaded(false);
        assertThat(scheduled).hasSize(1);
        scheduled.remove().run();
        assertThat(served).containsExactly("a");
        assertThat(held.hold("b", 10)).isFalse();
    }

    @Test
    void handsOutWhatIsLate() {
        held.overloaded(true);
        held.hold("a", 10);
        held.hold("b", 20);
        assertThat(held.expired(15)).containsExactly("a");
        held.overloaded(false);
        scheduled.remove().run();
        assertThat(served).containsExactly("b");
    }
}
