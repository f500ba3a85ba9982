// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;

/**
 * Limits of one broker's storage. {@link #defaults()} is fit for a small machine; change single values with the
 * {@code with…} methods.
 *
 * @param objectBytes not yet uploaded bytes at which an upload begins (64 MiB)
 * @param uploadAgeMs age of the oldest not yet uploaded byte at which an upload begins (60 000)
 * @param maxObjectBytes a bundle is closed before it grows beyond this; one stream's run is never divided (256 MiB)
 * @param largeRunBytes runs of one stream of at least this size get an object of their own (16 MiB)
 * @param blockTargetBytes size of a data block (1 MiB)
 * @param uploadsInFlight upload rounds under way at once (2)
 * @param tailCacheBytes memory for all streams' tails, overhead included; at least the capacity of all WAL lanes together (512 MiB)
 * @param reapPeriodMs pause between two looks for retired objects (10 000)
 * @param retiredGraceMs age after which a retired object is deleted (60 000)
 * @param deletesPerSecond upper bound of object deletions (1000)
 * @param sweepPeriodMs pause between two slices of the search for objects that the quorum does not know (60 000)
 * @param orphanGraceMs age after which such an object is deleted (3 600 000)
 */
public record StorageConfig(
        long objectBytes,
        long uploadAgeMs,
        long maxObjectBytes,
        long largeRunBytes,
        int blockTargetBytes,
        int uploadsInFlight,
        long tailCacheBytes,
        long reapPeriodMs,
        long retiredGraceMs,
        int deletesPerSecond,
        long sweepPeriodMs,
        long orphanGraceMs) {
    private static final long MIB = 1 << 20;

    public StorageConfig {
        atLeast("objectBytes", objectBytes, 1);
        atLeast("uploadAgeMs", uploadAgeMs, 1);
        atLeast("maxObjectBytes", maxObjectBytes, 1);
        atLeast("largeRunBytes", largeRunBytes, 1);
        atLeast("blockTargetBytes", blockTargetBytes, 4096);
        atLeast("uploadsInFlight", uploadsInFlight, 1);
        atLeast("tailCacheBytes", tailCacheBytes, 4096);
        atLeast("reapPeriodMs", reapPeriodMs, 1);
        atLeast("retiredGraceMs", retiredGraceMs, 0);
        atLeast("deletesPerSecond", deletesPerSecond, 1);
        atLeast("sweepPeriodMs", sweepPeriodMs, 1);
        atLeast("orphanGraceMs", orphanGraceMs, 0);
    }

    /** The values named in the record's description. */
    public static StorageConfig defaults() {
        return new StorageConfig(
                64 * MIB, 60_000, 256 * MIB, 16 * MIB, (int) MIB, 2, 512 * MIB, 10_000, 60_000, 1000, 60_000,
                3_600_000);
    }

    /** The same with other upload triggers. */
    public StorageConfig withUpload(long newObjectBytes, long newUploadAgeMs) {
        return new StorageConfig(
                newObjectBytes,
                newUploadAgeMs,
                maxObjectBytes,
                largeRunBytes,
                blockTargetBytes,
                uploadsInFlight,
                tailCacheBytes,
                reapPeriodMs,
                retiredGraceMs,
                deletesPerSecond,
                sweepPeriodMs,
                orphanGraceMs);
    }

    /** The same with another shape of objects. */
    public StorageConfig withObjects(long newMaxObjectBytes, long newLargeRunBytes, int newBlockTargetBytes) {
        return new StorageConfig(
                objectBytes,
                uploadAgeMs,
                newMaxObjectBytes,
                newLargeRunBytes,
                newBlockTargetBytes,
                uploadsInFlight,
                tailCacheBytes,
                reapPeriodMs,
                retiredGraceMs,
                deletesPerSecond,
                sweepPeriodMs,
                orphanGraceMs);
    }

    /** The same with another memory budget for tails. */
    public StorageConfig withTailCacheBytes(long newTailCacheBytes) {
        return new StorageConfig(
                objectBytes,
                uploadAgeMs,
                maxObjectBytes,
                largeRunBytes,
                blockTargetBytes,
                uploadsInFlight,
                newTailCacheBytes,
                reapPeriodMs,
                retiredGraceMs,
                deletesPerSecond,
                sweepPeriodMs,
                orphanGraceMs);
    }

    /** The same with other periods and grace times for deletion. */
    public StorageConfig withDeletion(
            long newReapPeriodMs, long newRetiredGraceMs, long newSweepPeriodMs, long newOrphanGraceMs) {
        return new StorageConfig(
                objectBytes,
                uploadAgeMs,
                maxObjectBytes,
                largeRunBytes,
                blockTargetBytes,
                uploadsInFlight,
                tailCacheBytes,
                newReapPeriodMs,
                newRetiredGraceMs,
                deletesPerSecond,
                newSweepPeriodMs,
                newOrphanGraceMs);
    }

    /** Fails with INVALID unless everything that all WAL lanes can hold fits into memory when it is recovered. */
    void checkWalCapacity(long walCapacityBytes) {
        if (walCapacityBytes > tailCacheBytes) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "The WAL lanes can hold " + walCapacityBytes + " bytes but the tail cache only " + tailCacheBytes
                            + ": full lanes could not be recovered. Enlarge the tail cache or shrink the WAL");
        }
    }

    private static void atLeast(String name, long value, long least) {
        if (value < least) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Storage " + name + " is " + value + "; it must be at least " + least);
        }
    }
}
