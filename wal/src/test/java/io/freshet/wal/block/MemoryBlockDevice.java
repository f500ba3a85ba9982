// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;

/** A device in memory whose writes and reads can be made to fail, tear, lie or wait. */
final class MemoryBlockDevice implements BlockDevice {
    final byte[] bytes;
    private final Semaphore gate = new Semaphore(0);
    private boolean isGated;
    private int writesUntilFault = Integer.MAX_VALUE;
    private int tornBytes;
    private boolean liesAboutFault;
    private int readsUntilShort = Integer.MAX_VALUE;
    private int writeCount;
    private boolean isClosed;

    MemoryBlockDevice(int sizeBytes) {
        this(new byte[sizeBytes]);
    }

    MemoryBlockDevice(byte[] bytes) {
        this.bytes = bytes;
    }

    /** The write after {@code writes} more leaves only its first {@code kept} bytes and fails, as do all later ones. */
    synchronized void failAfter(int writes, int kept) {
        writesUntilFault = writes;
        tornBytes = kept;
        liesAboutFault = false;
    }

    /** The next write is reported durable but leaves nothing. */
    synchronized void dropNextWrite() {
        writesUntilFault = 0;
        tornBytes = 0;
        liesAboutFault = true;
    }

    synchronized void shortReadAfter(int reads) {
        readsUntilShort = reads;
    }

    synchronized void holdWrites() {
        isGated = true;
    }

    synchronized void releaseWrites() {
        isGated = false;
        gate.release(1_000_000);
    }

    /** Lets one held write through; the others stay. */
    void releaseOneWrite() {
        gate.release();
    }

    boolean isWriterWaiting() {
        return gate.hasQueuedThreads();
    }

    synchronized int writeCount() {
        return writeCount;
    }

    synchronized byte[] image() {
        return bytes.clone();
    }

    synchronized boolean isClosed() {
        return isClosed;
    }

    @Override
    public synchronized void read(long position, ByteBuffer target) throws IOException {
        if (readsUntilShort-- <= 0) {
            throw new EOFException("injected short read at " + position);
        }
        target.put(bytes, (int) position, target.remaining());
    }

    @Override
    public void write(long position, ByteBuffer source) throws IOException {
        boolean waits;
        synchronized (this) {
            waits = isGated;
        }
        if (waits) {
            gate.acquireUninterruptibly();
        }
        writeNow(position, source);
    }

    private synchronized void writeNow(long position, ByteBuffer source) throws IOException {
        if (position % 4096 != 0 || source.remaining() % 4096 != 0 || source.remaining() == 0) {
            throw new IOException("unaligned write of " + source.remaining() + " bytes at " + position);
        }
        writeCount++;
        if (writesUntilFault-- > 0) {
            source.get(bytes, (int) position, source.remaining());
            return;
        }
        source.get(bytes, (int) position, Math.min(tornBytes, source.remaining()));
        if (!liesAboutFault) {
            tornBytes = 0;
            throw new IOException("injected EIO at " + position);
        }
        source.position(source.limit());
        writesUntilFault = Integer.MAX_VALUE;
    }

    @Override
    public long sizeBytes() {
        return bytes.length;
    }

    @Override
    public int alignmentBytes() {
        return 4096;
    }

    @Override
    public String description() {
        return "memory";
    }

    @Override
    public String ioMode() {
        return "memory";
    }

    @Override
    public synchronized void close() {
        isClosed = true;
    }
}
