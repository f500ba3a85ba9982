// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.state.ClusterState.Speculation;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Who may do which job, for a while. Kept in this controller's memory on its monotonic clock, not in the log: after a
 * change of controller two brokers may do the same job, which costs work and harms nothing. Metadata thread.
 */
final class JobLeases {
    static final int MAX_LEASES = 100_000;
    static final int MAX_JOB_LENGTH = 200;
    static final long MAX_DURATION_MS = TimeUnit.HOURS.toMillis(1);

    private final Clock clock;
    private final Map<String, Lease> leases = new HashMap<>();

    JobLeases(Clock clock) {
        this.clock = clock;
    }

    Decision<Boolean> ask(Speculation state, String job, int brokerId, long brokerEpoch, long durationMs) {
        StreamCommands.requireBrokerEpoch(state.image(), brokerId, brokerEpoch);
        return Decision.of(List.of(), ask(job, brokerId, durationMs));
    }

    boolean ask(String job, int brokerId, long durationMs) {
        if (job.isEmpty() || job.length() > MAX_JOB_LENGTH || durationMs < 1 || durationMs > MAX_DURATION_MS) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Cannot lease the job '" + job + "' for " + durationMs + " ms; give it a name of 1 to "
                            + MAX_JOB_LENGTH + " characters and ask for 1 to " + MAX_DURATION_MS + " ms");
        }
        long nowNs = clock.nanoTime();
        Lease held = leases.get(job);
        if (held != null && held.brokerId != brokerId && held.isLive(nowNs)) {
            return false;
        }
        if (held == null && leases.size() >= MAX_LEASES) {
            makeRoom(nowNs);
        }
        leases.put(job, new Lease(brokerId, nowNs + TimeUnit.MILLISECONDS.toNanos(durationMs)));
        return true;
    }

    private void makeRoom(long nowNs) {
        leases.values().removeIf(lease -> !lease.isLive(nowNs));
        if (leases.size() >= MAX_LEASES) {
            throw new FreshetException(
                    ErrorKind.THROTTLED, MAX_LEASES + " jobs are leased already; retry when one has ended");
        }
    }

    private record Lease(int brokerId, long untilNs) {
        boolean isLive(long nowNs) {
            return untilNs - nowNs > 0;
        }
    }
}
