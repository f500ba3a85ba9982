// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.atomic.AtomicLongArray;
import org.awaitility.Awaitility;

/** When each partition of a topic has acknowledged something for the first time after an instant. Safe for use by many threads. */
final class FirstAcknowledgements {
    private final AtomicLongArray firstNanos;

    FirstAcknowledgements(int partitions) {
        this.firstNanos = new AtomicLongArray(partitions);
    }

    /** What has been acknowledged until now does not count. */
    void reset() {
        for (int i = 0; i < firstNanos.length(); i++) {
            firstNanos.set(i, 0);
        }
    }

    void acknowledged(int partition) {
        firstNanos.compareAndSet(partition, 0, System.nanoTime());
    }

    boolean isSeen(int partition) {
        return firstNanos.get(partition) != 0;
    }

    /** Waits until each has acknowledged something. */
    void awaitAll(Collection<Integer> partitions) {
        Awaitility.await("all partitions acknowledge")
                .atMost(Duration.ofSeconds(90))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> partitions.stream().allMatch(this::isSeen));
    }

    /** The longest of the times from {@code sinceNanos} on; all must have been seen. */
    long worstMs(Collection<Integer> partitions, long sinceNanos) {
        return partitions.stream()
                .mapToLong(partition -> (firstNanos.get(partition) - sinceNanos) / 1_000_000)
                .max()
                .orElse(0);
    }

    /** The shortest. */
    long bestMs(Collection<Integer> partitions, long sinceNanos) {
        return partitions.stream()
                .mapToLong(partition -> (firstNanos.get(partition) - sinceNanos) / 1_000_000)
                .min()
                .orElse(0);
    }
}
