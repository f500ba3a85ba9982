// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.wal.s3.SimBucket.Fate;
import io.freshet.wal.s3.SimCluster.Owner;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Requests and latencies under steady load in virtual time. A put takes 25 ms, 6 ms per MiB and an exponential part of 15 ms on
 * average, and one in a hundred takes 300 ms more.
 */
class S3WalPaceTest {
    private static final double GIB = 1 << 30;
    /** A WAL that makes 283 PUT and 273 GET per GiB at 12.5 MB/s; the aim is half of that. */
    private static final double AIM_PER_GIB = (283 + 273) / 2.0;
    /** Objects of 64 MiB and more that the slots' data is uploaded to. */
    private static final double UPLOADS_PER_GIB = 17;

    private record Pace(double requestsPerGib, double putsPerSecond, long p50Ms, long p99Ms, long storeP99Ms) {}

    private static Pace measure(double megabytesPerSecond, int seconds, S3WalConfig.Batching batching) {
        SimCluster cluster = new SimCluster(9);
        cluster.settings = c -> new S3WalConfig(
                c.brokerId(), c.brokerEpoch(), batching, c.flight(), c.capacityBytes(), c.fenceRetentionMs());
        Owner owner = cluster.open();
        Random random = new Random(7);
        List<Long> putMs = new ArrayList<>();
        cluster.bucket.keepsBytes = false;
        double[] slotMib = {0};
        cluster.bucket.network = (op, key) -> {
            long ms = (long) (25 + 6 * slotMib[0] - 15 * Math.log(1 - random.nextDouble()));
            ms += random.nextInt(100) == 0 ? 300 : 0;
            putMs.add(ms);
            return Fate.after(ms, 0);
        };
        int entryBytes = megabytesPerSecond < 5 ? 4096 : 65_536;
        double perMs = megabytesPerSecond * 1e6 / 1000 / entryBytes;
        slotMib[0] = Math.min(8, megabytesPerSecond * 0.25);
        List<Long> latencies = new ArrayList<>();
        byte[] payload = new byte[entryBytes];
        double due = 0;
        long sent = 0;
        int before = cluster.bucket.requestCount();
        for (int ms = 0; ms < seconds * 1000; ms++) {
            due += perMs;
            long atMs = cluster.runtime.wallMs();
            for (; due >= 1; due--) {
                SimEntry entry = new SimEntry(sent % 20, 1, sent / 20, "", payload);
                entry.onDurable = e -> latencies.add(cluster.runtime.wallMs() - atMs);
                owner.wal().append(entry);
                sent++;
            }
            cluster.runtime.advance(1);
            if (ms % 10_000 == 9_999) {
                owner.wal().trim(owner.wal().endLsn());
            }
        }
        cluster.runtime.advance(10_000);
        assertThat(latencies).hasSize((int) sent);
        assertThat(owner.wal().failure()).isEmpty();
        int requests = cluster.bucket.requestCount() - before;
        return new Pace(
                requests / (sent * entryBytes / GIB),
                cluster.bucket.requests("create") / (double) seconds,
                quantile(latencies, 0.5),
                quantile(latencies, 0.99),
                quantile(putMs, 0.99));
    }

    private static long quantile(List<Long> values, double share) {
        Collections.sort(values);
        return values.get((int) (share * (values.size() - 1)));
    }

    @Test
    void requestsAndLatenciesUnderSteadyLoad() {
        S3WalConfig.Batching standard = S3WalConfig.Batching.DEFAULT;
        StringBuilder table = new StringBuilder("MB/s | max age | requests/GiB | puts/s | p50 ms | p99 ms | bound\n");
        for (double rate : new double[] {0.1, 1, 10, 12.5, 25, 100}) {
            Pace pace = measure(rate, rate >= 100 ? 30 : 120, standard);
            row(table, rate, standard, pace);
            if (rate <= 12.5) {
                // the budget, its burst, hedges and deletions
                assertThat(pace.putsPerSecond).as("puts at %s MB/s", rate).isBetween(3.6, 4.4);
            }
            if (rate >= 25) {
                assertThat(pace.requestsPerGib)
                        .as("requests per GiB at %s MB/s", rate)
                        .isLessThan(AIM_PER_GIB - UPLOADS_PER_GIB);
            }
        }
        System.out.println(table);
    }

    /** A slot each 250 ms is 344 for each GiB at 12.5 MB/s, whatever the rule, so the aim needs batches that may become older. */
    @Test
    void batchesOf375MsMakeHalfOfTheRequests() {
        Pace pace = measure(12.5, 120, new S3WalConfig.Batching(8 << 20, 5, 375, 100, 2.7, 8));
        assertThat(pace.requestsPerGib).isLessThan(AIM_PER_GIB - UPLOADS_PER_GIB);
    }

    @Test
    void requestsAgainstAge() {
        StringBuilder table = new StringBuilder();
        double former = Double.MAX_VALUE;
        for (int ageMs : new int[] {50, 100, 175, 250, 300, 375, 500}) {
            S3WalConfig.Batching batching = new S3WalConfig.Batching(8 << 20, 5, ageMs, 100, 1000.0 / ageMs, 8);
            Pace pace = measure(12.5, 120, batching);
            row(table, 12.5, batching, pace);
            assertThat(pace.requestsPerGib).isLessThan(former);
            former = pace.requestsPerGib;
        }
        System.out.println(table);
    }

    private static void row(StringBuilder table, double rate, S3WalConfig.Batching batching, Pace pace) {
        long boundMs = batching.maxAgeMs() + pace.storeP99Ms * 3 / 2;
        table.append(String.format(
                "%5.1f | %4d ms | %12.0f | %6.2f | %6d | %6d | %5d%n",
                rate, batching.maxAgeMs(), pace.requestsPerGib, pace.putsPerSecond, pace.p50Ms, pace.p99Ms, boundMs));
        assertThat(pace.p99Ms)
                .as("p99 at %s MB/s and %s ms", rate, batching.maxAgeMs())
                .isLessThanOrEqualTo(boundMs);
    }

    @Test
    void aFewAppendsASecondAreAnsweredAsFastAsTheStore() {
        Pace pace = measure(2 * 4096 / 1e6, 60, S3WalConfig.Batching.DEFAULT);
        assertThat(pace.p50Ms).isLessThan(60);
        assertThat(pace.putsPerSecond).isBetween(1.9, 2.3);
    }
}
