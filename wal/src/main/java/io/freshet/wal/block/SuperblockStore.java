// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Randomness;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads and writes the two superblocks. Every change goes to one slot and, when that is durable, to the other, and is in
 * force only then: whichever single slot is torn or damaged later, the other one still tells the truth. Used by one
 * thread at a time: the opener's, then the lane's.
 */
final class SuperblockStore {
    private static final Logger LOG = LoggerFactory.getLogger(SuperblockStore.class);

    private final BlockDevice device;
    private final ByteBuffer block = RingGeometry.alignedBuffer(RingGeometry.BLOCK_BYTES);
    private Superblock current;

    private SuperblockStore(BlockDevice device, Superblock current) {
        this.device = device;
        this.current = current;
    }

    /** Reads the superblocks, or formats a device that holds nothing but zeros where they belong. */
    static SuperblockStore open(BlockDevice device, BlockWalConfig config, Randomness randomness) throws IOException {
        RingGeometry geometry = RingGeometry.fitting(device.sizeBytes());
        if (geometry.ringSizeBytes() < RingGeometry.MIN_RING_BYTES) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "The WAL " + device.description() + " has " + device.sizeBytes() + " bytes, too few for a ring of "
                            + RingGeometry.MIN_RING_BYTES + ": configure a larger one");
        }
        ByteBuffer block = RingGeometry.alignedBuffer(RingGeometry.BLOCK_BYTES);
        Superblock found = newest(read(device, 0, block), read(device, RingGeometry.BLOCK_BYTES, block));
        if (found == null) {
            requireBlank(device, block);
            Superblock first = Superblock.first(randomness.nextUuid(), geometry.ringSizeBytes(), config);
            SuperblockStore store = new SuperblockStore(device, first);
            store.write(first);
            return store;
        }
        requireUsable(device, config, found, geometry);
        return new SuperblockStore(device, found);
    }

    /**
     * Makes an empty log that begins at or behind {@code startLsn} out of whatever the ring holds, durably: no recovery finds
     * anything written before. A device without a valid superblock is formatted.
     *
     * @param walId what the WAL must be, if its superblocks verify
     */
    static SuperblockStore restart(BlockDevice device, BlockWalConfig config, UUID walId, long startLsn)
            throws IOException {
        RingGeometry geometry = RingGeometry.fitting(device.sizeBytes());
        ByteBuffer block = RingGeometry.alignedBuffer(RingGeometry.BLOCK_BYTES);
        Superblock found = newest(read(device, 0, block), read(device, RingGeometry.BLOCK_BYTES, block));
        if (found == null) {
            LOG.warn(
                    "Neither superblock of the WAL {} verifies. Everything acknowledged is in objects: it is formatted",
                    device.description());
            found = Superblock.first(walId, geometry.ringSizeBytes(), config);
        }
        requireUsable(device, config, found, geometry);
        if (!found.walId().equals(walId)) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "The WAL " + device.description() + " is " + found.walId() + ", but this broker used " + walId
                            + " there: put the right volume back, or start the broker again to use this one");
        }
        long start = Math.max(startLsn, RingGeometry.alignUp(found.durableLsn()));
        SuperblockStore store = new SuperblockStore(device, found);
        store.write(found.withLog(start, start, start, false).opened(start, config.brokerEpoch()));
        return store;
    }

    Superblock current() {
        return current;
    }

    /** Makes {@code next} (whose sequence number is set here) durable in both slots. */
    void write(Superblock next) throws IOException {
        for (int copy = 0; copy < 2; copy++) {
            Superblock numbered = next.withSequence(current.sequence() + 1);
            numbered.encode(block);
            device.write(slotPosition(numbered.sequence()), block);
            current = numbered;
        }
    }

    private static long slotPosition(long sequence) {
        return sequence % 2 * RingGeometry.BLOCK_BYTES;
    }

    private static @Nullable Superblock read(BlockDevice device, long position, ByteBuffer block) throws IOException {
        block.clear();
        device.read(position, block);
        return Superblock.decode(block);
    }

    private static @Nullable Superblock newest(@Nullable Superblock left, @Nullable Superblock right) {
        if (left == null || right == null) {
            return left == null ? right : left;
        }
        return left.sequence() > right.sequence() ? left : right;
    }

    /**
     * The first superblock ever written goes to position 4096, so a crash while formatting leaves position 0 and the ring
     * blank; anything else without a valid superblock is not ours to overwrite.
     */
    private static void requireBlank(BlockDevice device, ByteBuffer block) throws IOException {
        for (long position : new long[] {0, RingGeometry.RING_POSITION}) {
            block.clear();
            device.read(position, block);
            block.flip();
            while (block.hasRemaining()) {
                if (block.get() != 0) {
                    throw new FreshetException(
                            ErrorKind.CORRUPT,
                            "Neither superblock of the WAL " + device.description()
                                    + " (positions 0 and 4096) verifies, yet position "
                                    + (position + block.position() - 1)
                                    + " is not blank. If this is a WAL, restore it from an intact copy of the volume; if"
                                    + " it is something else, point the WAL elsewhere or overwrite its first 12288 bytes"
                                    + " with zeros");
                }
            }
        }
    }

    private static void requireUsable(
            BlockDevice device, BlockWalConfig config, Superblock found, RingGeometry geometry) {
        if (found.brokerId() != config.brokerId()) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "The WAL " + device.description() + " belongs to broker " + found.brokerId() + ", this is broker "
                            + config.brokerId() + ": point this broker to its own WAL or set its node id right");
        }
        if (found.ringSizeBytes() > geometry.ringSizeBytes()) {
            throw new FreshetException(
                    ErrorKind.CORRUPT,
                    "The WAL " + device.description() + " was formatted with a ring of " + found.ringSizeBytes()
                            + " bytes, but only " + geometry.ringSizeBytes()
                            + " are there: it was cut off; restore it from an intact copy of the volume");
        }
    }
}
