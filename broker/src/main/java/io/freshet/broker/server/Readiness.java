// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.console.HealthSource;
import java.util.List;
import java.util.function.Supplier;

/** What /livez and /readyz say: the phase of the start, then the complaints of running parts. */
final class Readiness implements HealthSource {
    private volatile String phase = "starting";
    private volatile Supplier<List<String>> complaints = List::of;

    /** The server is busy with {@code what} and not ready. */
    void phase(String what) {
        phase = what;
    }

    /** The server is ready whenever {@code complaints} gives none. */
    void ready(Supplier<List<String>> complaintsOfParts) {
        complaints = complaintsOfParts;
        phase = "";
    }

    @Override
    public List<String> notReadyReasons() {
        String now = phase;
        return now.isEmpty() ? complaints.get() : List.of(now);
    }

    @Override
    public boolean isLive() {
        return true;
    }
}
