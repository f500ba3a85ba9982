// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * Where an S3 store is and how to talk to it. Credentials are not here: they come from the SDK's default chain
 * (environment, system properties, profile files, web identity, container and instance roles).
 *
 * @param bucket name of the bucket
 * @param keyPrefix empty, or what every key begins with, ending in '/'
 * @param endpoint the server; null for AWS
 * @param region signing region; null to take it from the SDK's chain
 * @param pathStyle whether the bucket stands in the path instead of the host name
 * @param checksumWhenSupported whether the SDK adds its own checksums to every request; not every server understands them
 * @param maxConcurrency connections at most for reads, and as many for all else
 * @param attemptTimeoutMs time for one request, besides one second for every MiB of its body
 * @param partSizeBytes size of the parts of a multipart upload; bodies of more than two parts go up that way, all others in one
 *     request, because an upload in parts costs two more than it has parts
 * @param partConcurrency parts of one upload in flight at once
 */
public record S3Settings(
        String bucket,
        String keyPrefix,
        @Nullable URI endpoint,
        @Nullable String region,
        boolean pathStyle,
        boolean checksumWhenSupported,
        int maxConcurrency,
        long attemptTimeoutMs,
        long partSizeBytes,
        int partConcurrency) {

    /** The store's address for logs. */
    String describe() {
        String where = endpoint == null ? "" : " at " + endpoint.getScheme() + "://" + endpoint.getAuthority();
        return "s3://" + bucket + (keyPrefix.isEmpty() ? "" : "/" + keyPrefix) + where;
    }

    boolean isMultipart(long sizeBytes) {
        return sizeBytes > 2 * partSizeBytes;
    }
}
