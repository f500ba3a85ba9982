// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.wal.block.BlockDevice;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A volume that survives its broker's processes. Whoever attaches it takes it from the one before. */
public final class SimDisk {
    private static final int BLOCK_BYTES = 4096;
    private static final int SECTOR_BYTES = 512;
    private static final int RING_POSITION = 2 * BLOCK_BYTES;

    private final World world;
    private final SimRandom random;
    private final byte[] bytes;
    private @Nullable Attached attached;
    private @Nullable Lie lie;
    private boolean isCaughtLying;

    /** A write that was reported durable and is only in the volume's cache, and what would be found without it. */
    private static final class Lie {
        private final int position;
        private final byte[] before;
        private final byte[] written;
        private boolean hasLaterGroup;

        Lie(int position, byte[] before, byte[] written) {
            this.position = position;
            this.before = before;
            this.written = written;
        }
    }

    public SimDisk(World world, int sizeBytes) {
        this.world = world;
        this.random = world.random.fork();
        this.bytes = new byte[sizeBytes];
    }

    public byte[] bytes() {
        return bytes;
    }

    public Attached attach(SimProcess process) {
        Attached handle = new Attached(process);
        attached = handle;
        return handle;
    }

    /** Power is lost: what was only in a cache is gone. */
    public void losePower() {
        Lie told = lie;
        lie = null;
        if (told != null && told.hasLaterGroup) {
            world.counts.add("durable write is lost with the power");
            System.arraycopy(told.before, 0, bytes, told.position, told.before.length);
            isCaughtLying = true;
            lie = told;
        }
    }

    /** Whether a write is missing that should be there. */
    public boolean hasLostWrites() {
        return isCaughtLying;
    }

    /** Brings an intact copy of the volume back. */
    public void restore() {
        Lie told = lie;
        if (told != null && isCaughtLying) {
            System.arraycopy(told.written, 0, bytes, told.position, told.written.length);
        }
        forgetLie();
    }

    /** What was lost was not needed. */
    public void forgetLie() {
        lie = null;
        isCaughtLying = false;
    }

    /** The volume as one process sees it. */
    public final class Attached implements BlockDevice {
        private final SimProcess process;
        private boolean isBroken;

        Attached(SimProcess process) {
            this.process = process;
        }

        private void requireAttached() throws IOException {
            if (attached != this) {
                throw new IOException("the volume was attached elsewhere");
            }
            if (isBroken) {
                throw new IOException("input/output error");
            }
        }

        @Override
        public void read(long position, ByteBuffer target) throws IOException {
            requireAttached();
            target.put(bytes, (int) position, target.remaining());
        }

        @Override
        public void write(long position, ByteBuffer source) throws IOException {
            requireAttached();
            Swarm swarm = world.swarm;
            int at = (int) position;
            int length = source.remaining();
            world.time.note(process, "disk write", position, length);
            if (random.chance(swarm.now(swarm.writeFails))) {
                world.counts.add("disk write fails");
                isBroken = true;
                tear(at, source);
                throw new IOException("input/output error");
            }
            if (random.chance(swarm.now(swarm.writeIsTorn))) {
                world.counts.add("disk write is torn by a crash");
                tear(at, source);
                isBroken = true;
                process.die();
                throw new IOException("the power is gone");
            }
            if (position >= RING_POSITION) {
                noteGroup(at, source, length);
            }
            source.get(bytes, at, length);
        }

        private void noteGroup(int at, ByteBuffer source, int length) {
            Lie told = lie;
            if (told != null) {
                boolean overlaps = at < told.position + told.written.length && told.position < at + length;
                told.hasLaterGroup = true;
                if (overlaps) {
                    lie = null;
                }
            } else if (random.chance(world.swarm.now(world.swarm.flushLies))) {
                byte[] written = new byte[length];
                source.duplicate().get(written);
                byte[] before = new byte[length];
                System.arraycopy(bytes, at, before, 0, length);
                lie = new Lie(at, before, written);
            }
        }

        /** Some of the sectors arrive, some do not. */
        private void tear(int at, ByteBuffer source) {
            int sectors = source.remaining() / SECTOR_BYTES;
            int kept = random.below(sectors + 1);
            boolean isInOrder = random.chance(0.7);
            for (int sector = 0; sector < sectors; sector++) {
                boolean isKept = isInOrder ? sector < kept : random.chance(0.5);
                if (isKept) {
                    source.duplicate()
                            .position(source.position() + sector * SECTOR_BYTES)
                            .get(bytes, at + sector * SECTOR_BYTES, SECTOR_BYTES);
                }
            }
        }

        @Override
        public long sizeBytes() {
            return bytes.length;
        }

        @Override
        public int alignmentBytes() {
            return BLOCK_BYTES;
        }

        @Override
        public String description() {
            return "sim";
        }

        @Override
        public String ioMode() {
            return "memory";
        }

        @Override
        public void close() {}
    }
}
