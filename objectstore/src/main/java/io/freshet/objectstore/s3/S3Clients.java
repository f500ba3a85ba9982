// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Threads;
import java.time.Duration;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.client.config.SdkAdvancedAsyncClientOption;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.http.nio.netty.SdkEventLoopGroup;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3AsyncClientBuilder;

/**
 * Builds the SDK's client: Netty, one pool, path style and checksums as set, every call with a timeout, and no retries
 * inside, because ours are around it. Answers complete on the client's event loops.
 */
final class S3Clients {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final int MAX_WAITING_REQUESTS = 10_000;

    private S3Clients() {}

    static S3AsyncClient open(S3Settings settings, AwsCredentialsProvider credentials) {
        Duration timeout = Duration.ofMillis(settings.attemptTimeoutMs());
        S3AsyncClientBuilder builder = S3AsyncClient.builder()
                .credentialsProvider(credentials)
                .forcePathStyle(settings.pathStyle())
                .requestChecksumCalculation(
                        settings.checksumWhenSupported()
                                ? RequestChecksumCalculation.WHEN_SUPPORTED
                                : RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(
                        settings.checksumWhenSupported()
                                ? ResponseChecksumValidation.WHEN_SUPPORTED
                                : ResponseChecksumValidation.WHEN_REQUIRED)
                .httpClientBuilder(httpClient(settings, timeout))
                .asyncConfiguration(
                        c -> c.advancedOption(SdkAdvancedAsyncClientOption.FUTURE_COMPLETION_EXECUTOR, Runnable::run))
                .overrideConfiguration(c -> c.retryStrategy(AwsRetryStrategy.doNotRetry())
                        .apiCallTimeout(timeout)
                        .apiCallAttemptTimeout(timeout));
        if (settings.endpoint() != null) {
            builder.endpointOverride(settings.endpoint());
        }
        if (settings.region() != null) {
            builder.region(Region.of(settings.region()));
        } else if (settings.endpoint() != null) {
            builder.region(Region.US_EAST_1);
        }
        try {
            return builder.build();
        } catch (SdkException e) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Cannot open " + settings.describe() + ": " + e.getMessage() + "; give region=… in the store's URI",
                    e);
        }
    }

    private static NettyNioAsyncHttpClient.Builder httpClient(S3Settings settings, Duration timeout) {
        return NettyNioAsyncHttpClient.builder()
                .maxConcurrency(settings.maxConcurrency())
                .maxPendingConnectionAcquires(MAX_WAITING_REQUESTS)
                .connectionTimeout(CONNECT_TIMEOUT)
                .connectionAcquisitionTimeout(timeout)
                .readTimeout(timeout)
                .writeTimeout(timeout)
                .tcpKeepAlive(true)
                .eventLoopGroupBuilder(SdkEventLoopGroup.builder()
                        .threadFactory(Threads.factory("freshet-s3"))
                        .numberOfThreads(Math.max(2, Runtime.getRuntime().availableProcessors())));
    }
}
