// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.PieceSource;
import io.freshet.objectstore.driver.Body;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * One object going up while its bytes are made: pieces are cut into parts of the same size (some stores insist on that), one
 * part is sent while the next is filled. An object of one part is put in one request. Steps follow one another; a part and
 * the filling of the next touch different fields.
 */
final class PieceUpload {
    private static final int PART_BYTES = PieceSource.MAX_HELD_BYTES / 3;
    private static final int MAX_PARTS = 10_000;

    private final PartRequests requests;
    private final PieceSource source;
    private final Function<Body, CompletableFuture<Void>> putWhole;
    private final List<CompletedPart> parts = new ArrayList<>();
    private List<ByteBuffer> pending = new ArrayList<>();
    private long pendingBytes;
    private long sentBytes;
    private boolean isSourceEmpty;

    /** @param putWhole puts an object of one part, with retries */
    PieceUpload(PartRequests requests, PieceSource source, Function<Body, CompletableFuture<Void>> putWhole) {
        this.requests = requests;
        this.source = source;
        this.putWhole = putWhole;
    }

    CompletableFuture<Void> run() {
        return nextPart().thenCompose(first -> {
            if (isSourceEmpty && pendingBytes == 0) {
                return putWhole.apply(first);
            }
            return requests.begin()
                    .thenCompose(uploadId -> send(uploadId, first)
                            .thenCompose(done -> requests.complete(uploadId, parts, sentBytes))
                            .handle((done, error) -> error == null
                                    ? CompletableFuture.<Void>completedFuture(null)
                                    : requests.abort(uploadId, FreshetException.of(error)))
                            .thenCompose(outcome -> outcome));
        });
    }

    /** Sends {@code part} and fills the next meanwhile; both have ended before anything goes on or fails. */
    private CompletableFuture<Void> send(String uploadId, Body part) {
        if (parts.size() == MAX_PARTS) {
            return CompletableFuture.failedFuture(new FreshetException(
                    ErrorKind.INVALID,
                    "Object '" + requests.key() + "' is larger than " + (long) MAX_PARTS * PART_BYTES
                            + " bytes; make smaller objects"));
        }
        sentBytes += part.sizeBytes();
        return requests.part(uploadId, parts.size() + 1, part)
                .thenCombine(nextPart(), (sent, next) -> {
                    parts.add(sent);
                    return next;
                })
                .thenCompose(next ->
                        next.sizeBytes() == 0 ? CompletableFuture.<Void>completedFuture(null) : send(uploadId, next));
    }

    /** The next {@link #PART_BYTES}, less at the end. */
    private CompletableFuture<Body> nextPart() {
        if (isSourceEmpty || pendingBytes >= PART_BYTES) {
            return CompletableFuture.completedFuture(cut());
        }
        return source.next().thenCompose(piece -> {
            long sizeBytes = PieceSource.sizeBytes(piece);
            isSourceEmpty = sizeBytes == 0;
            pending.addAll(piece);
            pendingBytes += sizeBytes;
            return nextPart();
        });
    }

    private Body cut() {
        Body all = Body.of(pending);
        long sizeBytes = Math.min(PART_BYTES, pendingBytes);
        pending = new ArrayList<>(all.part(sizeBytes, pendingBytes - sizeBytes).views(Integer.MAX_VALUE));
        pendingBytes -= sizeBytes;
        return all.part(0, sizeBytes);
    }
}
