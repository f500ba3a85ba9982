// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Scheduler;
import io.micrometer.core.instrument.MeterRegistry;

/**
 * What a node needs to have its commands run by whoever leads.
 *
 * @param ownedChannel to the other nodes; closed with the node
 * @param scheduler for retries and deadlines; must outlive the node
 */
public record CommandRouting(
        CommandChannel ownedChannel,
        Clock clock,
        Scheduler scheduler,
        Randomness randomness,
        MeterRegistry registry,
        Limits limits) {

    /** With {@link Limits#DEFAULT}. */
    public CommandRouting(
            CommandChannel ownedChannel,
            Clock clock,
            Scheduler scheduler,
            Randomness randomness,
            MeterRegistry registry) {
        this(ownedChannel, clock, scheduler, randomness, registry, Limits.DEFAULT);
    }

    /**
     * @param withinMs how long a command is tried before its caller is told that it failed
     * @param answerMs how long one answer may take before the command counts as lost
     * @param firstPauseMs before the first repeat; doubled each time, and shortened at random by up to half
     * @param longestPauseMs what doubling ends at
     * @param maxCommandBytes largest encoded command; the receiving listener must take requests a little larger
     * @param maxWaiting commands that wait for an answer or a leader; more are refused (THROTTLED)
     */
    public record Limits(
            long withinMs, long answerMs, long firstPauseMs, long longestPauseMs, int maxCommandBytes, int maxWaiting) {
        /** Shorter than the 30 s that Kafka's clients wait; twice the largest batch that the metadata log takes. */
        public static final Limits DEFAULT = new Limits(20_000, 10_000, 20, 500, 16 << 20, 10_000);
    }
}
