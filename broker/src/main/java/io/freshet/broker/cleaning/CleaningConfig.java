// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import org.apache.kafka.storage.internals.log.CleanerConfig;

/**
 * Limits of key compaction on one broker, under Kafka's names.
 *
 * @param backoffMs {@code log.cleaner.backoff.ms}: pause in ms when nothing is due
 * @param maxMapBytes {@code log.cleaner.dedupe.buffer.size}: bound on the map of keys; a pass allocates no more than its keys need
 * @param mapLoadFactor {@code log.cleaner.io.buffer.load.factor}: how full the map may become
 * @param bytesPerSecond {@code log.cleaner.io.max.bytes.per.second}: bound on bytes read; 64 MiB if that has no bound
 */
public record CleaningConfig(long backoffMs, long maxMapBytes, double mapLoadFactor, long bytesPerSecond) {
    private static final long DEFAULT_BYTES_PER_SECOND = 64L << 20;

    /** The settings of {@code cleaner}. */
    public static CleaningConfig of(CleanerConfig cleaner) {
        boolean isUnbounded = cleaner.maxIoBytesPerSecond >= Long.MAX_VALUE;
        return new CleaningConfig(
                Math.max(1, cleaner.backoffMs),
                cleaner.dedupeBufferSize,
                cleaner.dedupeBufferLoadFactor,
                isUnbounded ? DEFAULT_BYTES_PER_SECOND : Math.max(1, (long) cleaner.maxIoBytesPerSecond));
    }
}
