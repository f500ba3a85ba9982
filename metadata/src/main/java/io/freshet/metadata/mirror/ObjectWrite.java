// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Scheduler;
import io.freshet.metadata.mirror.MirrorObject.Header;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One object on its way into the bucket: tried with the same bytes until it is there or somebody else's is. A try whose
 * answer was lost may have written it, so an object that is found is asked whose it is. Tries follow one another.
 */
final class ObjectWrite {
    private static final Logger LOG = LoggerFactory.getLogger(ObjectWrite.class);
    private static final long FIRST_DELAY_DIVISOR = 50;

    private final MirrorStore store;
    private final Scheduler scheduler;
    private final long maxRetryMs;
    private final BooleanSupplier isCancelled;
    private final String key;
    private final Header header;
    private final List<ByteBuffer> body;
    private final CompletableFuture<Header> found = new CompletableFuture<>();
    private long delayMs;
    private volatile String lastError = "no answer yet";

    ObjectWrite(
            MirrorStore store,
            Scheduler scheduler,
            long maxRetryMs,
            BooleanSupplier isCancelled,
            String key,
            Header header,
            List<ByteBuffer> encodedRuns) {
        this.store = store;
        this.scheduler = scheduler;
        this.maxRetryMs = maxRetryMs;
        this.isCancelled = isCancelled;
        this.key = key;
        this.header = header;
        this.body = MirrorObject.encode(header, encodedRuns);
        this.delayMs = Math.max(1, maxRetryMs / FIRST_DELAY_DIVISOR);
    }

    /** Begins; completes, on any thread, with the header of what lies under the key then: this one's, or another writer's. */
    CompletableFuture<Header> start() {
        attempt();
        return found;
    }

    String key() {
        return key;
    }

    Header header() {
        return header;
    }

    /** For messages: why it is not there yet. */
    String lastError() {
        return lastError;
    }

    private void attempt() {
        if (isCancelled.getAsBoolean()) {
            return;
        }
        create().whenComplete((isCreated, error) -> {
            if (error != null) {
                retry(FreshetException.of(error));
            } else if (isCreated) {
                found.complete(header);
            } else {
                lookWhose();
            }
        });
    }

    private CompletableFuture<Boolean> create() {
        try {
            return store.create(key, body);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private void lookWhose() {
        store.read(key).whenComplete((bytes, error) -> {
            if (error != null) {
                retry(FreshetException.of(error));
                return;
            }
            try {
                found.complete(MirrorObject.decodeHeader(key, bytes));
            } catch (FreshetException e) {
                found.completeExceptionally(e);
            }
        });
    }

    private void retry(FreshetException error) {
        if (error.kind() == ErrorKind.INTERNAL) {
            LOG.error("Writing {} failed unexpectedly", key, error);
        } else {
            LOG.debug("Writing {} failed; trying again in {} ms", key, delayMs, error);
        }
        lastError = String.valueOf(error.getMessage());
        scheduler.schedule(delayMs, this::attempt);
        delayMs = Math.min(maxRetryMs, 2 * delayMs);
    }
}
