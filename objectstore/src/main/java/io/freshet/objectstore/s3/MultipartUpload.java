// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import io.freshet.common.FreshetException;
import io.freshet.objectstore.driver.Body;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * One object going up in parts, several at once, each retried by itself. When a part fails for good, the others stop and
 * the upload is aborted. Parts are taken by an atomic counter, each result has its own slot.
 */
final class MultipartUpload {
    private static final int MAX_PARTS = 10_000;

    private final PartRequests requests;
    private final int concurrency;
    private final Body body;
    private final long partSizeBytes;
    private final AtomicInteger nextPart = new AtomicInteger();
    private final AtomicBoolean failed = new AtomicBoolean();
    private final AtomicReferenceArray<CompletedPart> parts;

    MultipartUpload(PartRequests requests, Body body) {
        S3Settings settings = requests.settings();
        this.requests = requests;
        this.concurrency = settings.partConcurrency();
        this.body = body;
        long smallestPart = (body.sizeBytes() + MAX_PARTS - 1) / MAX_PARTS;
        this.partSizeBytes = Math.max(settings.partSizeBytes(), smallestPart);
        int count = Math.toIntExact((body.sizeBytes() + partSizeBytes - 1) / partSizeBytes);
        this.parts = new AtomicReferenceArray<>(count);
    }

    CompletableFuture<Void> run() {
        return requests.begin().thenCompose(this::uploadAndFinish);
    }

    private CompletableFuture<Void> uploadAndFinish(String uploadId) {
        CompletableFuture<?>[] lanes = IntStream.range(0, concurrency)
                .mapToObj(lane -> uploadNext(uploadId))
                .toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(lanes)
                .thenCompose(done -> requests.complete(
                        uploadId,
                        IntStream.range(0, parts.length()).mapToObj(parts::get).toList(),
                        body.sizeBytes()))
                .handle((done, error) -> error == null
                        ? CompletableFuture.<Void>completedFuture(null)
                        : requests.abort(uploadId, FreshetException.of(error)))
                .thenCompose(outcome -> outcome);
    }

    private CompletableFuture<Void> uploadNext(String uploadId) {
        int index = nextPart.getAndIncrement();
        if (index >= parts.length() || failed.get()) {
            return CompletableFuture.completedFuture(null);
        }
        return uploadPart(uploadId, index).thenCompose(done -> uploadNext(uploadId));
    }

    private CompletableFuture<Void> uploadPart(String uploadId, int index) {
        long position = index * partSizeBytes;
        Body part = body.part(position, Math.min(partSizeBytes, body.sizeBytes() - position));
        return requests.part(uploadId, index + 1, part)
                .thenAccept(done -> parts.set(index, done))
                .whenComplete((done, error) -> {
                    if (error != null) {
                        failed.set(true);
                    }
                });
    }
}
