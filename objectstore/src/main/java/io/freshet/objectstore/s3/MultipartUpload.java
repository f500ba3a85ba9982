// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver.Author;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/**
 * One object going up in parts, several at once, each retried by itself. When a part fails for good, the others stop and
 * the upload is aborted, so that the store does not keep (and bill) its parts. Parts are taken by an atomic counter, each
 * result has its own slot.
 */
final class MultipartUpload {
    private static final Logger LOG = LoggerFactory.getLogger(MultipartUpload.class);
    private static final int MAX_PARTS = 10_000;

    private final S3Driver driver;
    private final S3Settings settings;
    private final String key;
    private final Body body;
    private final String nonce;
    private final long partSizeBytes;
    private final AtomicInteger nextPart = new AtomicInteger();
    private final AtomicBoolean failed = new AtomicBoolean();
    private final AtomicReferenceArray<CompletedPart> parts;

    MultipartUpload(S3Driver driver, S3Settings settings, String key, Body body, String nonce) {
        this.driver = driver;
        this.settings = settings;
        this.key = key;
        this.body = body;
        this.nonce = nonce;
        long smallestPart = (body.sizeBytes() + MAX_PARTS - 1) / MAX_PARTS;
        this.partSizeBytes = Math.max(settings.partSizeBytes(), smallestPart);
        int count = Math.toIntExact((body.sizeBytes() + partSizeBytes - 1) / partSizeBytes);
        this.parts = new AtomicReferenceArray<>(count);
    }

    CompletableFuture<Void> run() {
        return driver.request(
                        "begin",
                        key,
                        0,
                        client -> client.createMultipartUpload(r -> r.bucket(settings.bucket())
                                .key(driver.fullKey(key))
                                .checksumAlgorithm(ChecksumAlgorithm.CRC32_C)
                                .metadata(S3Driver.signature(nonce))))
                .thenCompose(begun -> uploadAndFinish(begun.uploadId()));
    }

    private CompletableFuture<Void> uploadAndFinish(String uploadId) {
        CompletableFuture<?>[] lanes = IntStream.range(0, settings.partConcurrency())
                .mapToObj(lane -> uploadNext(uploadId))
                .toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(lanes)
                .thenCompose(done -> finish(uploadId))
                .handle((done, error) -> error == null
                        ? CompletableFuture.<Void>completedFuture(null)
                        : abort(uploadId, FreshetException.of(error)))
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
        String checksum = part.crc32cBase64();
        return driver.request(
                        "part",
                        key,
                        part.sizeBytes(),
                        client -> client.uploadPart(
                                r -> r.bucket(settings.bucket())
                                        .key(driver.fullKey(key))
                                        .uploadId(uploadId)
                                        .partNumber(index + 1)
                                        .checksumCRC32C(checksum)
                                        .overrideConfiguration(driver.timeoutFor(part.sizeBytes())),
                                new BodyPublisher(part)))
                .thenAccept(answer -> parts.set(
                        index,
                        CompletedPart.builder()
                                .partNumber(index + 1)
                                .eTag(answer.eTag())
                                .checksumCRC32C(checksum)
                                .build()))
                .whenComplete((done, error) -> {
                    if (error != null) {
                        failed.set(true);
                    }
                });
    }

    private CompletableFuture<Void> finish(String uploadId) {
        CompletedPart[] all =
                IntStream.range(0, parts.length()).mapToObj(parts::get).toArray(CompletedPart[]::new);
        return driver.request(
                        "complete",
                        key,
                        0,
                        client -> client.completeMultipartUpload(r -> r.bucket(settings.bucket())
                                .key(driver.fullKey(key))
                                .uploadId(uploadId)
                                .multipartUpload(u -> u.parts(all))
                                .overrideConfiguration(driver.timeoutFor(body.sizeBytes()))))
                .handle((done, error) -> error == null
                        ? CompletableFuture.<Void>completedFuture(null)
                        : settle(FreshetException.of(error)))
                .thenCompose(outcome -> outcome);
    }

    /** A repeated completion finds no upload when the first one's answer was lost: then the object bears our nonce. */
    private CompletableFuture<Void> settle(FreshetException failure) {
        if (failure.kind() != ErrorKind.MISSING && failure.kind() != ErrorKind.UNAVAILABLE) {
            return CompletableFuture.failedFuture(failure);
        }
        return driver.authorOf(key, nonce)
                .exceptionally(error -> Author.NO_OBJECT)
                .thenCompose(author -> author == Author.SAME_NONCE
                        ? CompletableFuture.completedFuture(null)
                        : CompletableFuture.failedFuture(failure));
    }

    private CompletableFuture<Void> abort(String uploadId, FreshetException failure) {
        return driver.request(
                        "abort",
                        key,
                        0,
                        client -> client.abortMultipartUpload(r -> r.bucket(settings.bucket())
                                .key(driver.fullKey(key))
                                .uploadId(uploadId)))
                .handle((done, error) -> {
                    if (error != null) {
                        LOG.warn(
                                "Upload {} of '{}' in {} could not be aborted; its parts stay until the bucket's"
                                        + " lifecycle rule for incomplete uploads removes them",
                                uploadId,
                                key,
                                settings.describe(),
                                error);
                    }
                    throw failure;
                });
    }
}
