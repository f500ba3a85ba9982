// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.common.runtime.Scheduler;

/**
 * How to mirror.
 *
 * @param mode SYNC or ASYNC
 * @param session this process's right to write
 * @param scheduler for back-off and time-outs; its tasks only hand over to the metadata thread
 * @param asyncPeriodMs least time between the pieces of an asynchronous mirror
 * @param stallAfterMs commands are refused when the bucket has not taken a piece of a synchronous mirror for this long
 * @param maxRetryMs greatest delay between two tries of a write; the first is a fiftieth
 * @param piecesPerSnapshot a snapshot replaces the pieces when there are this many
 * @param maxWaitingBytes an asynchronous mirror that falls behind by more drops the records and writes a snapshot instead
 */
public record MirrorSettings(
        MirrorMode mode,
        MirrorSession session,
        Scheduler scheduler,
        long asyncPeriodMs,
        long stallAfterMs,
        long maxRetryMs,
        int piecesPerSnapshot,
        long maxWaitingBytes) {
    /** The values that are not configurable. */
    public static MirrorSettings of(MirrorMode mode, MirrorSession session, Scheduler scheduler) {
        return new MirrorSettings(mode, session, scheduler, 3_000, 10_000, 5_000, 512, 64L << 20);
    }

    /** The same with other times and sizes. */
    public MirrorSettings with(long newStallAfterMs, long newMaxRetryMs, int newPiecesPerSnapshot) {
        return new MirrorSettings(
                mode,
                session,
                scheduler,
                asyncPeriodMs,
                newStallAfterMs,
                newMaxRetryMs,
                newPiecesPerSnapshot,
                maxWaitingBytes);
    }
}
