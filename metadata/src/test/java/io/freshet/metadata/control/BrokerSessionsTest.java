// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.runtime.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.Endpoint;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.metadata.BrokerRegistration;
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

    private static final List<BrokerRegistration> PRESENT = List.of(registration(1, EPOCH), registration(2, EPOCH));

    private final SetClock clock = new SetClock();
    private final BrokerSessions sessions = new BrokerSessions(clock, SESSION_MS);

    @Test
    void aControllerThatHeardOfNoOtherGivesEverybodyAFullSession() {
        sessions.renew(1, EPOCH);
        clock.advanceMs(SESSION_MS - 1);
        sessions.begin(PRESENT, OptionalLong.empty());
        assertThat(endsAfterMs(1)).isEqualTo(SESSION_MS);
    }

    @Test
    void theSilenceBeforeTheElectionCounts() {
        long heardAtNs = clock.nanoTime();
        clock.advanceMs(1_500);
        sessions.begin(PRESENT, OptionalLong.of(heardAtNs));
        assertThat(sessions.isOver(2, EPOCH)).isFalse();
        assertThat(endsAfterMs(1)).isEqualTo(SESSION_MS - 1_500);
        assertThat(sessions.isOver(2, EPOCH)).isTrue();
    }

    @Test
    void everybodyHasATurnToBeHeardOf() {
        long heardAtNs = clock.nanoTime();
        clock.advanceMs(10_000);
        sessions.begin(PRESENT, OptionalLong.of(heardAtNs));
        clock.advanceMs(SESSION_MS / 4);
        assertThat(sessions.isOver(1, EPOCH)).isFalse();
        sessions.renew(1, EPOCH);
        assertThat(endsAfterMs(1)).isEqualTo(SESSION_MS);
        assertThat(sessions.isOver(2, EPOCH)).isTrue();
    }

    @Test
    void registrationsAfterTheElectionHaveAFullSession() {
        long heardAtNs = clock.nanoTime();
        clock.advanceMs(10_000);
        sessions.begin(List.of(registration(1, EPOCH - 1)), OptionalLong.of(heardAtNs));
        assertThat(endsAfterMs(1)).isEqualTo(SESSION_MS);
        assertThat(endsAfterMs(2)).isEqualTo(SESSION_MS);
    }

    private static BrokerRegistration registration(int brokerId, long epoch) {
        return new BrokerRegistration.Builder()
                .setId(brokerId)
                .setEpoch(epoch)
                .setIncarnationId(new Uuid(1, brokerId))
                .setListeners(List.of(new Endpoint("PLAINTEXT", SecurityProtocol.PLAINTEXT, "localhost", 9092)))
                .setSupportedFeatures(Map.of())
                .setRack(Optional.empty())
                .build();
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
