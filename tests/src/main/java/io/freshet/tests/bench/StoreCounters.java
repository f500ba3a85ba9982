// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/** Requests to a store by prefix and kind, and how long they took. Safe for use by many threads. */
final class StoreCounters {
    private static final long MAX_MICROS = 600_000_000L;

    private static final class Count {
        private long requests;
        private long refused;
        private long bytes;
        private final Histogram micros = new Histogram(MAX_MICROS, 3);
    }

    private final Map<String, Count> counts = new TreeMap<>();

    synchronized void add(StoreRequest request, long bytes, long tookNanos, boolean isRefused) {
        Count count = counts.computeIfAbsent(request.prefix() + " " + request.kind(), name -> new Count());
        count.requests++;
        count.refused += isRefused ? 1 : 0;
        count.bytes += bytes;
        count.micros.recordValue(Math.min(MAX_MICROS, tookNanos / 1000));
    }

    synchronized void reset() {
        counts.clear();
    }

    /** A line for each: prefix, kind, requests, refused ones, bytes, p50 and p99 in ms. */
    synchronized String text() {
        StringBuilder text = new StringBuilder();
        counts.forEach((name, count) -> text.append(String.format(
                Locale.ROOT,
                "%s %d %d %d %.2f %.2f%n",
                name,
                count.requests,
                count.refused,
                count.bytes,
                count.micros.getValueAtPercentile(50) / 1000.0,
                count.micros.getValueAtPercentile(99) / 1000.0)));
        return text.toString();
    }
}
