// SPDX-License-Identifier: Apache-2.0
package io.freshet.console;

import java.util.List;

/** What the health pages report. Called on the console's event loop: must not block. */
public interface HealthSource {
    /** Why this process should get no traffic now, one short sentence each; empty when it is ready. */
    List<String> notReadyReasons();

    /** False if this process cannot recover by itself and should be restarted. */
    boolean isLive();
}
