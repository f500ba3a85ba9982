// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import io.freshet.common.FreshetException;
import io.freshet.wal.WalEntry;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Semaphore;

/** Not a test: prints throughput and latency on a real file. Arguments: a directory, and optionally seconds per row. */
final class BlockWalThroughput {
    private BlockWalThroughput() {}

    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[0]).resolve("wal-throughput.bin");
        long seconds = args.length > 1 ? Long.parseLong(args[1]) : 2;
        long started = System.nanoTime();
        BlockWalConfig config = BlockWalConfig.of(1);
        try (BlockWal wal = BlockWal.open(
                config, FileBlockDevice.open(file, 512 << 20), Wals.collect(new ArrayList<>()), Wals.services())) {
            System.out.printf("open and fill 512 MiB: %d ms%n", (System.nanoTime() - started) / 1_000_000);
            wal.onSpaceLow(used -> wal.trim(wal.endLsn()));
            run(wal, 1, 1, 1 << 10, 1);
            for (int size : new int[] {1 << 10, 64 << 10, 1 << 20}) {
                run(wal, 1, 1, size, seconds);
                run(wal, 16, 1, size, seconds);
                run(wal, 16, 16, size, seconds);
            }
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private static void run(BlockWal wal, int threads, int inFlight, int size, long seconds) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        List<long[]> all = new ArrayList<>();
        List<Thread> running = new ArrayList<>();
        long started = System.nanoTime();
        for (int t = 0; t < threads; t++) {
            running.add(new Thread(() -> {
                long[] latencies = append(wal, inFlight, size, end);
                synchronized (all) {
                    all.add(latencies);
                }
            }));
        }
        running.forEach(Thread::start);
        for (Thread thread : running) {
            thread.join();
        }
        double took = (System.nanoTime() - started) / 1e9;
        long[] sorted = all.stream().flatMapToLong(Arrays::stream).sorted().toArray();
        System.out.printf(
                "%2d appenders x %2d in flight, %7d B: %7.0f MB/s %8.0f/s  p50 %6d us  p99 %6d us%n",
                threads,
                inFlight,
                size,
                (double) sorted.length * size / took / 1e6,
                sorted.length / took,
                sorted[sorted.length / 2] / 1000,
                sorted[sorted.length * 99 / 100] / 1000);
    }

    private static long[] append(BlockWal wal, int inFlight, int size, long endNs) {
        ByteBuffer payload = ByteBuffer.allocateDirect(size);
        Semaphore free = new Semaphore(inFlight);
        List<Timed> entries = new ArrayList<>();
        while (System.nanoTime() < endNs) {
            free.acquireUninterruptibly();
            Timed entry = new Timed(payload.duplicate(), free, System.nanoTime());
            entries.add(entry);
            wal.append(entry);
        }
        free.acquireUninterruptibly(inFlight);
        return entries.stream().mapToLong(entry -> entry.tookNs).toArray();
    }

    private static final class Timed implements WalEntry {
        private final ByteBuffer payload;
        private final Semaphore free;
        private final long startNs;
        private volatile long tookNs;

        private Timed(ByteBuffer payload, Semaphore free, long startNs) {
            this.payload = payload;
            this.free = free;
            this.startNs = startNs;
        }

        @Override
        public long streamId() {
            return 1;
        }

        @Override
        public int leaderEpoch() {
            return 1;
        }

        @Override
        public long baseOffset() {
            return 0;
        }

        @Override
        public long endOffset() {
            return 1;
        }

        @Override
        public ByteBuffer payload() {
            return payload;
        }

        @Override
        public int payloadSizeBytes() {
            return payload.capacity();
        }

        @Override
        public void onDurable(long lsn) {
            tookNs = System.nanoTime() - startNs;
            free.release();
        }

        @Override
        public void onFailed(FreshetException cause) {
            throw cause;
        }
    }
}
