// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class JobLeasesTest {
    private static final class SetClock implements Clock {
        /** Close to the end, so that a lease reaches over the wrap. */
        private long nowNs = Long.MAX_VALUE - 1;

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
    private final JobLeases leases = new JobLeases(clock);

    @Test
    void givesAJobToOneBrokerUntilTheLeaseEnds() {
        assertThat(leases.ask("a", 1, 100)).isTrue();
        assertThat(leases.ask("a", 2, 100)).isFalse();
        assertThat(leases.ask("b", 2, 100)).isTrue();
        clock.advanceMs(99);
        assertThat(leases.ask("a", 2, 100)).isFalse();
        assertThat(leases.ask("a", 1, 100)).isTrue();
        clock.advanceMs(99);
        assertThat(leases.ask("a", 2, 100)).isFalse();
        clock.advanceMs(1);
        assertThat(leases.ask("a", 2, 100)).isTrue();
        assertThat(leases.ask("a", 1, 100)).isFalse();
    }

    @Test
    void isBoundedAndForgetsWhatHasEnded() {
        for (int i = 0; i < JobLeases.MAX_LEASES; i++) {
            assertThat(leases.ask("job-" + i, 1, 100)).isTrue();
        }
        assertThat(leases.ask("job-7", 1, 100)).isTrue();
        requireKind(ErrorKind.THROTTLED, "one more", 100);
        clock.advanceMs(100);
        assertThat(leases.ask("one more", 1, 100)).isTrue();
        assertThat(leases.ask("job-0", 2, 100)).isTrue();
    }

    @Test
    void refusesNamelessAndEndlessJobs() {
        requireKind(ErrorKind.INVALID, "", 100);
        requireKind(ErrorKind.INVALID, "x".repeat(JobLeases.MAX_JOB_LENGTH + 1), 100);
        requireKind(ErrorKind.INVALID, "a", 0);
        requireKind(ErrorKind.INVALID, "a", JobLeases.MAX_DURATION_MS + 1);
    }

    private void requireKind(ErrorKind kind, String job, long durationMs) {
        assertThatThrownBy(() -> leases.ask(job, 1, durationMs))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }
}
