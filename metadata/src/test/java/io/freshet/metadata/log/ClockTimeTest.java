// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.runtime.Clock;
import org.apache.kafka.common.utils.Timer;
import org.junit.jupiter.api.Test;

class ClockTimeTest {
    private long wallMs = 1_700_000_000_000L;
    private long monotonicNs = 5_000_000_123L;

    private final ClockTime time = new ClockTime(new Clock() {
        @Override
        public long wallMs() {
            return wallMs;
        }

        @Override
        public long nanoTime() {
            return monotonicNs;
        }
    });

    @Test
    void beginsAtTheWallClock() {
        assertThat(time.milliseconds()).isEqualTo(1_700_000_000_000L);
    }

    @Test
    void timeoutsEndThoughTheWallClockIsSetBack() {
        Timer timer = time.timer(1_000);
        wallMs -= 3_600_000;
        monotonicNs += 1_500_000_000L;
        timer.update();
        assertThat(timer.isExpired()).isTrue();
        assertThat(time.milliseconds()).isEqualTo(1_700_000_001_500L);
    }

    @Test
    void nothingExpiresBecauseTheWallClockIsSetAhead() {
        Timer timer = time.timer(1_000);
        wallMs += 3_600_000;
        monotonicNs += 500_000_000L;
        timer.update();
        assertThat(timer.isExpired()).isFalse();
    }
}
