// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds the bytes rewritten by those that arrived: what this process saw appear in the quorum and did not write itself
 * counts as arrived, everything that was there at its first look included. Written by one round at a time.
 */
final class WriteBudget {
    private final double maxWriteAmplification;
    private final Set<Long> own = new HashSet<>();
    private final AtomicLong arrivedBytes = new AtomicLong();
    private final AtomicLong rewrittenBytes = new AtomicLong();

    WriteBudget(double maxWriteAmplification) {
        this.maxWriteAmplification = maxWriteAmplification;
    }

    /** {@code objects} are all that exist now, {@code before} all that existed at the last look; both ascend by id. */
    void observe(List<ObjectShare> objects, List<ObjectShare> before) {
        long arrived = 0;
        int known = 0;
        for (ObjectShare object : objects) {
            while (known < before.size() && before.get(known).objectId() < object.objectId()) {
                known++;
            }
            boolean isKnown = known < before.size() && before.get(known).objectId() == object.objectId();
            if (!isKnown && !own.contains(object.objectId())) {
                arrived += object.liveBytes();
            }
        }
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
