// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds the bytes rewritten by those that arrived: what this process saw appear in the quorum and did not write itself
 * counts as arrived, everything that was there at its first look included. Written by one round at a time.
 */
final class WriteBudget {
    private final double maxWriteAmplification;
    private Set<Long> known = Set.of();
    private final Set<Long> own = new HashSet<>();
    private final AtomicLong arrivedBytes = new AtomicLong();
    private final AtomicLong rewrittenBytes = new AtomicLong();

    WriteBudget(double maxWriteAmplification) {
        this.maxWriteAmplification = maxWriteAmplification;
    }

    /** {@code objects} are all that exist now. */
    void observe(Collection<ObjectShare> objects) {
        Set<Long> present = new HashSet<>();
        long arrived = 0;
        for (ObjectShare object : objects) {
            present.add(object.objectId());
            if (!known.contains(object.objectId()) && !own.contains(object.objectId())) {
                arrived += object.liveBytes();
            }
        }
        known = present;
        own.clear();
        arrivedBytes.addAndGet(arrived);
    }

    boolean allows(long bytes) {
        return rewrittenBytes.get() + bytes <= maxWriteAmplification * arrivedBytes.get();
    }

    /** {@code bytes} became the object {@code objectId}. */
    void spent(long objectId, long bytes) {
        own.add(objectId);
        rewrittenBytes.addAndGet(bytes);
    }

    /** Bytes rewritten per byte that arrived; 0 before anything did. */
    double writeAmplification() {
        long arrived = arrivedBytes.get();
        return arrived == 0 ? 0 : (double) rewrittenBytes.get() / arrived;
    }
}
