// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.workload;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.tests.workload.Availability.Outage;
import io.freshet.tests.workload.Availability.Probe;
import java.util.List;
import org.junit.jupiter.api.Test;

class AvailabilityTest {
    private final Availability availability = new Availability(2);
    private final long began = System.nanoTime();

    private void good(int partition) {
        availability.acknowledged(availability.sent(partition));
    }

    private void bad(int partition) {
        availability.failed(availability.sent(partition));
    }

    @Test
    void anOutageGoesFromTheFirstFailureToTheNextSuccess() {
        good(0);
        bad(0);
        bad(0);
        good(0);
        good(1);
        bad(0);
        List<Outage> outages = availability.outagesSince(began);
        assertThat(outages).extracting(Outage::partition).containsExactly(0, 0);
        assertThat(outages).extracting(Outage::isOver).containsExactly(true, false);
        assertThat(outages.get(0).endNanos())
                .isGreaterThan(outages.get(0).beginNanos())
                .isLessThan(outages.get(1).beginNanos());
        assertThat(availability.outagesSince(System.nanoTime())).isEmpty();
        assertThat(availability.counts()).containsExactly(6, 3);
    }

    @Test
    void aLateAnswerOfAnEarlierProbeDoesNotEndAnOutage() {
        Probe early = availability.sent(0);
        bad(0);
        availability.acknowledged(early);
        assertThat(availability.outagesSince(began)).singleElement().matches(outage -> !outage.isOver());
    }

    @Test
    void allAreUpWhenEachHasTakenAProbeSince() {
        good(0);
        assertThat(availability.isAllUpSince(began)).isFalse();
        good(1);
        assertThat(availability.isAllUpSince(began)).isTrue();
        assertThat(availability.isAllUpSince(System.nanoTime())).isFalse();
    }
}
