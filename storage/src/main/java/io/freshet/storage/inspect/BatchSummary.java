// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.inspect;

/**
 * The header of one record batch.
 *
 * @param position byte address in the object
 * @param sizeBytes of the whole batch
 * @param baseOffset first offset
 * @param endOffset offset after the last one, exclusive
 * @param recordCount records in it; fewer than the offsets after key compaction
 * @param baseTimestampMs timestamp of the first record
 * @param maxTimestampMs greatest timestamp
 * @param leaderEpoch the ownership that appended it
 * @param codec none, gzip, snappy, lz4 or zstd
 * @param producerId −1 if not idempotent
 * @param producerEpoch of that producer
 * @param baseSequence first sequence number
 * @param isTransactional whether it belongs to a transaction
 * @param isControl whether it holds a marker
 * @param isCrcRight whether Kafka's own CRC32C matches
 */
public record BatchSummary(
        long position,
        int sizeBytes,
        long baseOffset,
        long endOffset,
        int recordCount,
        long baseTimestampMs,
        long maxTimestampMs,
        int leaderEpoch,
        String codec,
        long producerId,
        int producerEpoch,
        int baseSequence,
        boolean isTransactional,
        boolean isControl,
        boolean isCrcRight) {}
