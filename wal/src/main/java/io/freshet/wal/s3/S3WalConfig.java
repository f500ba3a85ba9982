// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;

/**
 * Settings of one S3 lane.
 *
 * @param brokerId the owner
 * @param brokerEpoch this registration of the owner; each opening needs a new one
 * @param batching when a slot is written
 * @param flight what may be on its way to the store at a time
 * @param capacityBytes slot bytes that may be untrimmed; the lane only reports it ({@link S3Wal#usedBytes()}), its callers bound
 *     themselves by it, and with it the time that recovery takes
 * @param fenceRetentionMs how old a dead WAL's fence must be before it is deleted. While it lies there, a request of the dead
 *     owner, however late, cannot be acknowledged; see also {@link #fenceWatchedMs()}
 */
public record S3WalConfig(
        int brokerId, long brokerEpoch, Batching batching, Flight flight, long capacityBytes, long fenceRetentionMs) {
    public static final long DEFAULT_CAPACITY_BYTES = 4L << 30;

    /** A day. */
    public static final long DEFAULT_FENCE_RETENTION_MS = 24 * 3_600_000L;

    public S3WalConfig {
        require(brokerId >= 0 && brokerEpoch >= 0, "broker " + brokerId + " epoch " + brokerEpoch + " are negative");
        require(capacityBytes >= batching.maxBytes, "a capacity of " + capacityBytes + " bytes holds no slot");
        require(fenceRetentionMs >= 1_000, "a fence retention of " + fenceRetentionMs + " ms is below a second");
    }

    /**
     * How long one process must have known of a fence before it deletes it, on its monotonic clock. The fence's age alone is no
     * proof: it is the difference of two wall clocks, the store's and the process's, either of which may be wrong or jump.
     */
    long fenceWatchedMs() {
        return fenceRetentionMs / 4;
    }

    /**
     * An owner that had no proof for so long that there is no fence asks the quorum before it acknowledges again. Half of
     * {@link #fenceWatchedMs()}, so that a fence which was laid after the last proof is still there.
     */
    long proofLimitMs() {
        return fenceWatchedMs() / 2;
    }

    /** The defaults for one registration of one broker. */
    public static S3WalConfig of(int brokerId, long brokerEpoch) {
        return new S3WalConfig(
                brokerId,
                brokerEpoch,
                Batching.DEFAULT,
                Flight.DEFAULT,
                DEFAULT_CAPACITY_BYTES,
                DEFAULT_FENCE_RETENTION_MS);
    }

    /**
     * When a batch of entries becomes a slot.
     *
     * @param maxBytes payload bytes that close a batch; a larger entry makes a slot of its own
     * @param minAgeMs a batch waits this long for company while a slot is on its way
     * @param maxAgeMs no batch waits longer than this if a slot may be put at all
     * @param latencyTargetMs time from append to acknowledgement that is aimed at, as far as the budget allows; what a put does
     *     not take of it, batches may wait
     * @param putsPerSecond slots a second that age or an idle lane may close in the long run; batches full of bytes are not held up
     * @param putBurst how many slots may be saved up for a time of need
     */
    public record Batching(
            int maxBytes, int minAgeMs, int maxAgeMs, int latencyTargetMs, double putsPerSecond, int putBurst) {
        /** A slot each 250 ms is 4 a second: 344 for each GiB at 12.5 MB/s. */
        public static final Batching DEFAULT = new Batching(8 << 20, 5, 250, 100, 4, 8);

        public Batching {
            require(maxBytes >= 4096 && maxBytes <= 1 << 30, "a batch of " + maxBytes + " bytes is not in 4096..2^30");
            require(
                    minAgeMs >= 1 && maxAgeMs >= minAgeMs && maxAgeMs <= 60_000,
                    "batch ages of " + minAgeMs + " to " + maxAgeMs + " ms are not ascending within 1..60000");
            require(latencyTargetMs >= 1, "a latency target of " + latencyTargetMs + " ms is below 1");
            require(putsPerSecond > 0, "a budget of " + putsPerSecond + " puts a second is not positive");
            require(putBurst >= 1, "a burst of " + putBurst + " puts is below 1");
        }
    }

    /**
     * Bounds of what is on its way.
     *
     * @param maxSlots slots put and not yet acknowledged
     * @param maxBytes their payload bytes; a single slot may be larger
     * @param minHedgeDelayMs a put is never repeated before this time, however fast the store usually is
     * @param maxRecordBytes greatest payload of one entry
     * @param readAheadSlots slots that recovery reads at a time
     * @param closeTimeoutMs how long {@link S3Wal#close} lets entries wait for the store before they fail
     */
    public record Flight(
            int maxSlots,
            long maxBytes,
            int minHedgeDelayMs,
            int maxRecordBytes,
            int readAheadSlots,
            int closeTimeoutMs) {
        public static final Flight DEFAULT = new Flight(8, 64L << 20, 50, 128 << 20, 4, 30_000);

        public Flight {
            require(maxSlots >= 1 && maxSlots <= 1000, maxSlots + " slots in flight are not in 1..1000");
            require(maxBytes >= 1, maxBytes + " bytes in flight are below 1");
            require(minHedgeDelayMs >= 1, "a hedge after " + minHedgeDelayMs + " ms is below 1");
            require(
                    maxRecordBytes >= 1 && maxRecordBytes <= 1 << 30,
                    "a record limit of " + maxRecordBytes + " bytes is not in 1..2^30");
            require(readAheadSlots >= 1 && readAheadSlots <= 64, readAheadSlots + " slots read ahead are not in 1..64");
            require(closeTimeoutMs >= 0, "a close timeout of " + closeTimeoutMs + " ms is negative");
        }
    }

    private static void require(boolean isValid, String what) {
        if (!isValid) {
            throw new FreshetException(ErrorKind.INVALID, "S3 WAL settings: " + what + "; correct them");
        }
    }
}
