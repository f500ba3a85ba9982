// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver.Author;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.CompletedPart;

/** The requests of one upload in parts, each retried by itself. Holds no state; safe for use by many threads. */
record PartRequests(S3Driver driver, S3Settings settings, String key, String nonce) {
    private static final Logger LOG = LoggerFactory.getLogger(PartRequests.class);

    /** Begins the upload; completes with its id. */
    CompletableFuture<String> begin() {
        return driver.request(
                        "begin",
                        key,
                        0,
                        client -> client.createMultipartUpload(r -> r.bucket(settings.bucket())
                                .key(driver.fullKey(key))
                                .checksumAlgorithm(ChecksumAlgorithm.CRC32_C)
                                .metadata(S3Driver.signature(nonce))))
                .thenApply(begun -> begun.uploadId());
    }

    /** Uploads part {@code number}, counted from 1. */
    CompletableFuture<CompletedPart> part(String uploadId, int number, Body part) {
        String checksum = part.crc32cBase64();
        return driver.request(
                        "part",
                        key,
                        part.sizeBytes(),
                        client -> client.uploadPart(
                                r -> r.bucket(settings.bucket())
                                        .key(driver.fullKey(key))
                                        .uploadId(uploadId)
                                        .partNumber(number)
                                        .checksumCRC32C(checksum)
                                        .overrideConfiguration(driver.timeoutFor(part.sizeBytes())),
                                new BodyPublisher(part)))
                .thenApply(answer -> CompletedPart.builder()
                        .partNumber(number)
                        .eTag(answer.eTag())
                        .checksumCRC32C(checksum)
                        .build());
    }

    /** Makes the parts one object of {@code sizeBytes}. */
    CompletableFuture<Void> complete(String uploadId, List<CompletedPart> parts, long sizeBytes) {
        return driver.request(
                        "complete",
                        key,
                        0,
                        client -> client.completeMultipartUpload(r -> r.bucket(settings.bucket())
                                .key(driver.fullKey(key))
                                .uploadId(uploadId)
                                .multipartUpload(u -> u.parts(parts))
                                .overrideConfiguration(driver.timeoutFor(sizeBytes))))
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

    /** Gives the upload up, so that the store does not keep (and bill) its parts; always fails with {@code failure}. */
    CompletableFuture<Void> abort(String uploadId, FreshetException failure) {
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
