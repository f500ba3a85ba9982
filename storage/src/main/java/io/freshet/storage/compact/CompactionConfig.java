// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;

/**
 * Limits of one broker's compaction. {@link #defaults()} is fit for a small machine; change single values with the
 * {@code with…} methods.
 *
 * @param periodMs pause between two rounds, with jitter (30 000); longer when looking for work takes long
 * @param leaseMs how long a round has the sole right to compact without renewing it (60 000)
 * @param bytesPerSecond upper bound of the bytes read (64 MiB)
 * @param memoryBytes bound on input and output bytes in memory, with what the store holds of the output (64 MiB); single
 *     batches beyond a chunk come on top, and below 35 MiB what the store holds may exceed it
 * @param maxWriteAmplification bytes rewritten per byte that arrived, over time (3)
 * @param shape sizes of the objects that are made
 */
public record CompactionConfig(
        long periodMs, long leaseMs, long bytesPerSecond, long memoryBytes, double maxWriteAmplification, Shape shape) {
    private static final long MIB = 1 << 20;

    public CompactionConfig {
        atLeast("periodMs", periodMs, 1);
        atLeast("leaseMs", leaseMs, 1000);
        atLeast("bytesPerSecond", bytesPerSecond, 1);
        atLeast("memoryBytes", memoryBytes, 64 << 10);
        if (!(maxWriteAmplification > 0)) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Compaction maxWriteAmplification is " + maxWriteAmplification + "; it must be above 0");
        }
    }

    /** The values named in the record's description. */
    public static CompactionConfig defaults() {
        return new CompactionConfig(30_000, 60_000, 64 * MIB, 64 * MIB, 3, Shape.defaults());
    }

    /** The same with other objects. */
    public CompactionConfig withShape(Shape newShape) {
        return new CompactionConfig(periodMs, leaseMs, bytesPerSecond, memoryBytes, maxWriteAmplification, newShape);
    }

    /** The same with another pace. */
    public CompactionConfig withPace(long newPeriodMs, long newBytesPerSecond) {
        return new CompactionConfig(newPeriodMs, leaseMs, newBytesPerSecond, memoryBytes, maxWriteAmplification, shape);
    }

    /** The same with another bound on memory. */
    public CompactionConfig withMemoryBytes(long newMemoryBytes) {
        return new CompactionConfig(periodMs, leaseMs, bytesPerSecond, newMemoryBytes, maxWriteAmplification, shape);
    }

    /** The same with another bound on rewriting. */
    public CompactionConfig withMaxWriteAmplification(double newMaxWriteAmplification) {
        return new CompactionConfig(periodMs, leaseMs, bytesPerSecond, memoryBytes, newMaxWriteAmplification, shape);
    }

    private static void atLeast(String name, long value, long least) {
        if (value < least) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Compaction " + name + " is " + value + "; it must be at least " + least);
        }
    }

    /**
     * Sizes of objects. Each rewriting moves bytes to a larger class of objects, so that their number of classes bounds how
     * often a byte is rewritten.
     *
     * @param smallBytes objects with fewer live bytes are gathered into bundles (64 MiB)
     * @param bundleBytes live bytes at which the largest of the small objects become a bundle (128 MiB)
     * @param maxBundleBytes a bundle never has more record bytes (256 MiB)
     * @param streamObjectBytes a stream with at least this much in the objects that are gathered gets an object of its own (8 MiB)
     * @param extractBytes a stream with at least this much in bundles that stay gets an object of its own (64 MiB)
     * @param mergeFactor a stream's objects merge when together they reach this many times the lower bound of their class (8)
     * @param maxStreamObjectBytes a stream object is not made larger (1 GiB)
     * @param minLiveShare an object of which a smaller share is alive is rewritten when that pays (0.5)
     * @param maxInputs objects gathered at once (32)
     * @param blockTargetBytes size of a data block (1 MiB)
     */
    public record Shape(
            long smallBytes,
            long bundleBytes,
            long maxBundleBytes,
            long streamObjectBytes,
            long extractBytes,
            int mergeFactor,
            long maxStreamObjectBytes,
            double minLiveShare,
            int maxInputs,
            int blockTargetBytes) {
        public Shape {
            atLeast("smallBytes", smallBytes, 1);
            atLeast("bundleBytes", bundleBytes, smallBytes);
            atLeast("maxBundleBytes", maxBundleBytes, bundleBytes);
            atLeast("streamObjectBytes", streamObjectBytes, 1);
            atLeast("extractBytes", extractBytes, streamObjectBytes);
            atLeast("mergeFactor", mergeFactor, 2);
            atLeast("maxStreamObjectBytes", maxStreamObjectBytes, extractBytes);
            atLeast("maxInputs", maxInputs, 2);
            atLeast("blockTargetBytes", blockTargetBytes, 4096);
        }

        /** The values named in the record's description. */
        public static Shape defaults() {
            return new Shape(64 * MIB, 128 * MIB, 256 * MIB, 8 * MIB, 64 * MIB, 8, 1024 * MIB, 0.5, 32, (int) MIB);
        }

        /** All sizes divided by {@code divisor}, for small stores. */
        public Shape dividedBy(int divisor, int newBlockTargetBytes) {
            return new Shape(
                    smallBytes / divisor,
                    bundleBytes / divisor,
                    maxBundleBytes / divisor,
                    streamObjectBytes / divisor,
                    extractBytes / divisor,
                    mergeFactor,
                    maxStreamObjectBytes / divisor,
                    minLiveShare,
                    maxInputs,
                    newBlockTargetBytes);
        }
    }
}
