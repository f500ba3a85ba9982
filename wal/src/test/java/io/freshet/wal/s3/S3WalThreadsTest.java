// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStores;
import io.freshet.objectstore.memory.MemoryDriver;
import io.freshet.objectstore.retry.RetryPolicy;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Many real threads append to a lane whose executor has several. */
class S3WalThreadsTest {
    private static final int THREADS = 4;
    private static final int ENTRIES = 5_000;

    @Test
    void everyEntryOfEveryThreadIsAcknowledgedOnceInOrder() throws Exception {
        ExecutorService executor = Threads.pool("s3-wal-test", 3, 1_000);
        try (Threads.SchedulerThread scheduler = Threads.scheduler("s3-wal-test-timer")) {
            SimpleMeterRegistry meters = new SimpleMeterRegistry();
            Randomness randomness = Randomness.secure();
            MemoryDriver driver = new MemoryDriver("threads", Clock.system());
            ObjectStore store =
                    ObjectStores.over(driver, RetryPolicy.NONE, meters, Clock.system(), scheduler, randomness);
            S3WalServices services = new S3WalServices(Clock.system(), scheduler, executor, randomness, meters);
            WalRegistry registry = new PromptRegistry();
            List<SimEntry> acknowledged = Collections.synchronizedList(new ArrayList<>());
            AtomicInteger inCallback = new AtomicInteger();
            S3Wal wal = S3Wal.open(
                            new S3WalConfig(
                                    5,
                                    1,
                                    new S3WalConfig.Batching(4096, 1, 2, 2, 1000, 1000),
                                    S3WalConfig.Flight.DEFAULT,
                                    1 << 20,
                                    60_000),
                            store,
                            registry,
                            new SimpleSlots(),
                            (l, s, e, b, n, p) -> {},
                            services)
                    .get(10, TimeUnit.SECONDS);
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                int stream = t;
                threads.add(Threads.newThread("append-" + t, () -> {
                    for (int i = 0; i < ENTRIES; i++) {
                        SimEntry entry = new SimEntry(stream, 1, i, stream + "-" + i);
                        entry.onDurable = durable -> {
                            assertThat(inCallback.incrementAndGet()).isEqualTo(1);
                            acknowledged.add(durable);
                            inCallback.decrementAndGet();
                        };
                        wal.append(entry);
                    }
                }));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
            wal.close();
            assertThat(acknowledged).hasSize(THREADS * ENTRIES);
            assertThat(wal.pendingBytes()).isZero();
            assertInOrder(acknowledged);
            assertThat(meters.find("freshet.wal.s3.puts").counter()).isNull();
        } finally {
            Threads.stop(executor, Duration.ofSeconds(5));
        }
    }

    private static void assertInOrder(List<SimEntry> acknowledged) {
        long[] next = new long[THREADS];
        long lsn = 0;
        for (SimEntry entry : acknowledged) {
            assertThat(entry.offset).isEqualTo(next[(int) entry.streamId]++);
            assertThat(entry.lsn.join()).isGreaterThanOrEqualTo(lsn);
            lsn = entry.lsn.join();
        }
    }
}
