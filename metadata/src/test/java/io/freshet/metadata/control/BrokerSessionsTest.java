// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.runtime.Clock;
import io.freshet.metadata.control.BrokerSessions.Predecessor;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BrokerSessionsTest {
    private static final long SESSION_MS = 3_000;
    private static final long EPOCH = 7;

    private static final class SetClock implements Clock {
        /** Close to the end, so that a session reaches over the wrap. */
        private long nowNs = Long.MAX_VALUE - TimeUnit.MILLISECONDS.toNanos(4_000);

        @Override
        public long wallMs() {
            return 0;
        }

        @Override
        public long nanoTime() {
            return nowNs;
        }

        void advanceMs(long ms) {
            nowNs += TimeUnit.MILLISECONDS.toNanos(ms);
        }
    }

    private final SetClock clock = new SetClock();
    private final BrokerSessions sessions = new BrokerSessions(clock, SESSION_MS);

    @Test
    void aNewControllerGivesEverybodyAFullSession() {
        sessions.renew(1, EPOCH);
        clock.advanceMs(SESSION_MS - 1);
        sessions.begin(Optional.empty());
        assertThat(endsAfterMs(1)).isEqualTo(SESSION_MS);
    }

    @Test
    void theSilenceOfTheControllerBeforeCounts() {
        long heardAtNs = clock.nanoTime();
        clock.advanceMs(1_500);
        sessions.begin(Optional.of(new Predecessor(1, heardAtNs)));
        assertThat(sessions.isOver(2, EPOCH)).isFalse();
        assertThat(endsAfterMs(1)).isEqualTo(SESSION_MS - 1_500);
        assertThat(sessions.isOver(2, EPOCH)).isFalse();
    }

    @Test
    void theControllerBeforeHasATurnToBeHeardOf() {
        long heardAtNs = clock.nanoTime();
        clock.advanceMs(10_000);
        sessions.begin(Optional.of(new Predecessor(1, heardAtNs)));
        assertThat(sessions.isOver(1, EPOCH)).isFalse();
        clock.advanceMs(SESSION_MS / 6);
        assertThat(sessions.isOver(1, EPOCH)).isFalse();
        sessions.renew(1, EPOCH);
        assertThat(endsAfterMs(1)).isEqualTo(SESSION_MS);
    }

    @Test
    void aLaterRegistrationOfTheControllerBeforeHasAFullSession() {
        long heardAtNs = clock.nanoTime();
        clock.advanceMs(10_000);
        sessions.begin(Optional.of(new Predecessor(1, heardAtNs)));
        sessions.isOver(1, EPOCH - 1);
        assertThat(endsAfterMs(1)).isEqualTo(SESSION_MS);
    }

    private long endsAfterMs(int brokerId) {
        long ms = 0;
        while (!sessions.isOver(brokerId, EPOCH)) {
            clock.advanceMs(1);
            ms++;
        }
        return ms - 1; // over as soon as more than the session has passed
    }
}
