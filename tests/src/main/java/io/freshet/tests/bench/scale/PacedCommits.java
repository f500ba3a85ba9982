// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.scale;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Uploads at a steady rate, whatever the answers take; latency counts from when the commit was due, so that a stop shows in
 * all that it delayed. Used by one thread.
 */
final class PacedCommits {
    private static final long MIN_NS = TimeUnit.SECONDS.toNanos(2);

    private final ScaleUploads uploads;
    private final long periodNs;

    PacedCommits(ScaleUploads uploads, int perSecond) {
        this.uploads = uploads;
        this.periodNs = TimeUnit.SECONDS.toNanos(1) / perSecond;
    }

    /** Goes on until {@code isOver}, for two seconds at least and {@code seconds} at most. */
    Latencies run(String name, BooleanSupplier isOver, int seconds) {
        Latencies latencies = new Latencies();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        long beganNs = System.nanoTime();
        long endNs = beganNs + TimeUnit.SECONDS.toNanos(seconds);
        int sent = 0;
        for (long dueNs = beganNs; dueNs < endNs; dueNs += periodNs) {
            if (isOver.getAsBoolean() && System.nanoTime() - beganNs > MIN_NS) {
                break;
            }
            var upload = uploads.nextUpload();
            while (System.nanoTime() < dueNs) {
                LockSupport.parkNanos(dueNs - System.nanoTime());
            }
            long due = dueNs;
            sent++;
            uploads.commit(upload).whenComplete((done, error) -> {
                failure.compareAndSet(null, error);
                latencies.add(due);
            });
        }
        while (latencies.count() < sent) {
            LockSupport.parkNanos(1_000_000);
        }
        Throwable failed = failure.get();
        if (failed != null) {
            throw new IllegalStateException("A commit failed under load " + name, failed);
        }
        return latencies;
    }

    /** Safe for use by many threads. */
    static final class Latencies {
        private final Histogram histogramUs = new Histogram(3);
        private long lastNs;
        private long longestGapNs;

        private synchronized void add(long dueNs) {
            long nowNs = System.nanoTime();
            histogramUs.recordValue(Math.max(0, (nowNs - dueNs) / 1000));
            longestGapNs = Math.max(longestGapNs, lastNs == 0 ? 0 : nowNs - lastNs);
            lastNs = nowNs;
        }

        synchronized long count() {
            return histogramUs.getTotalCount();
        }

        synchronized double percentileMs(double percentile) {
            return histogramUs.getValueAtPercentile(percentile) / 1e3;
        }

        synchronized double longestMs() {
            return histogramUs.getMaxValue() / 1e3;
        }

        /** The longest time in which no commit was answered. */
        synchronized double longestGapMs() {
            return longestGapNs / 1e6;
        }
    }
}
