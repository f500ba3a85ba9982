// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.jmh;

import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.wal.WalEntry;
import io.freshet.wal.block.BlockWal;
import io.freshet.wal.block.BlockWalConfig;
import io.freshet.wal.block.FileBlockDevice;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The block lane on a file in the temporary directory: 64 appends handed over at once, until all of them are durable. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class BlockWalBench {
    private static final int GROUP = 64;
    private static final long WAL_BYTES = 256L << 20;

    @Param({"100", "1024", "16384"})
    public int payloadBytes;

    private Path directory = Path.of("");
    private BlockWal wal;
    private ByteBuffer payload = ByteBuffer.allocate(0);
    private long nextOffset;

    @Setup
    public void open() throws IOException {
        directory = Files.createTempDirectory("freshet-jmh");
        payload = ByteBuffer.allocate(payloadBytes);
        wal = BlockWal.open(
                BlockWalConfig.of(1),
                FileBlockDevice.open(directory.resolve("block.wal"), WAL_BYTES),
                (lsn, streamId, leaderEpoch, baseOffset, endOffset, bytes) -> {},
                new BlockWal.Services(Clock.system(), Randomness.secure(), new SimpleMeterRegistry()));
    }

    @TearDown
    public void close() throws IOException {
        wal.close();
        Files.delete(directory.resolve("block.wal"));
        Files.delete(directory);
    }

    @Benchmark
    @OperationsPerInvocation(GROUP)
    public long appendUntilDurable() {
        Entry last = null;
        for (int i = 0; i < GROUP; i++) {
            last = new Entry(nextOffset++, payload);
            wal.append(last);
        }
        long lsn = last.durable.join();
        if (wal.usedBytes() > WAL_BYTES / 2) {
            wal.trim(lsn).join();
        }
        return lsn;
    }

    /** One record of one stream. */
    private static final class Entry implements WalEntry {
        private final long offset;
        private final ByteBuffer payload;
        private final CompletableFuture<Long> durable = new CompletableFuture<>();

        Entry(long offset, ByteBuffer payload) {
            this.offset = offset;
            this.payload = payload;
        }

        @Override
        public long streamId() {
            return 1;
        }

        @Override
        public int leaderEpoch() {
            return 0;
        }

        @Override
        public long baseOffset() {
            return offset;
        }

        @Override
        public long endOffset() {
            return offset + 1;
        }

        @Override
        public ByteBuffer payload() {
            return payload.duplicate();
        }

        @Override
        public int payloadSizeBytes() {
            return payload.remaining();
        }

        @Override
        public void onDurable(long lsn) {
            durable.complete(lsn);
        }

        @Override
        public void onFailed(FreshetException cause) {
            durable.completeExceptionally(cause);
        }
    }
}
