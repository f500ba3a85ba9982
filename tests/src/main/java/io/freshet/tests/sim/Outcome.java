// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import org.jspecify.annotations.Nullable;

/**
 * What came of a run.
 *
 * @param acknowledged what clients were told to be done: record batches, commands
 * @param consumed record batches that consumers have read
 */
public record Outcome(
        long seed,
        long traceHash,
        long events,
        long acknowledged,
        long consumed,
        FaultCounts counts,
        @Nullable String violation) {}
