// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.wal.s3.SlotFormat.SlotKey;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes slots that the quorum has declared superfluous, up to 1000 a request, one request at a time; what fails is tried again
 * later. A slot of which a put is still under way waits for it, lest the put bring it back. What a crash leaves behind goes when
 * its WAL is retired. Used by the lane only.
 */
final class SlotDeletions {
    private static final Logger LOG = LoggerFactory.getLogger(SlotDeletions.class);
    private static final int MAX_KEYS = 1000;

    private final ObjectStore store;
    private final SerialTasks tasks;
    private final Backoff backoff;
    private final ArrayDeque<String> queue = new ArrayDeque<>();
    private final Set<String> busy = new HashSet<>();
    private final Set<String> held = new HashSet<>();
    private boolean isDeleting;
    private boolean isStopped;
    private int failures;

    SlotDeletions(ObjectStore store, SerialTasks tasks, Backoff backoff) {
        this.store = store;
        this.tasks = tasks;
        this.backoff = backoff;
    }

    void add(int brokerId, long brokerEpoch, long fromSlot, long endSlot) {
        for (long slot = fromSlot; slot < endSlot; slot++) {
            String key = SlotWrite.keyOf(new SlotKey(brokerId, brokerEpoch, slot));
            if (busy.contains(key)) {
                held.add(key);
            } else {
                queue.add(key);
            }
        }
        pump();
    }

    /** A put of a written slot is still under way. */
    void busy(String key) {
        busy.add(key);
    }

    /** No put of it is under way any more. */
    void quiet(String key) {
        busy.remove(key);
        if (held.remove(key)) {
            queue.add(key);
            pump();
        }
    }

    void stop() {
        isStopped = true;
        queue.clear();
    }

    private void pump() {
        if (isDeleting || isStopped || queue.isEmpty()) {
            return;
        }
        isDeleting = true;
        List<String> keys = new ArrayList<>();
        while (keys.size() < MAX_KEYS && !queue.isEmpty()) {
            keys.add(queue.remove());
        }
        Backoff.start(() -> store.delete(keys))
                .whenComplete((outcome, error) -> tasks.execute(() -> deleted(keys, outcome, error)));
    }

    private void deleted(List<String> keys, @Nullable DeleteOutcome outcome, @Nullable Throwable error) {
        if (outcome != null && outcome.failed().isEmpty()) {
            failures = 0;
            isDeleting = false;
            pump();
            return;
        }
        List<String> left = outcome == null
                ? keys
                : keys.stream().filter(outcome.failed()::containsKey).toList();
        failures++;
        if (failures == 1 || failures % 60 == 0) {
            LOG.warn(
                    "{} trimmed slots of the S3 WAL could not be deleted ({}); they are tried again",
                    left.size(),
                    outcome == null
                            ? FreshetException.of(java.util.Objects.requireNonNull(error))
                                    .getMessage()
                            : outcome.failed().values().iterator().next());
        }
        if (isStopped) {
            return;
        }
        queue.addAll(left);
        backoff.later(failures, () -> {
            isDeleting = false;
            pump();
        });
    }
}
