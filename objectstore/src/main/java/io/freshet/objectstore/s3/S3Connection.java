// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Threads;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
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
import software.amazon.awssdk.utils.SdkAutoCloseable;

/**
 * The SDK's client with the threads and credentials that it uses, closed together. The client: Netty, one pool, path style and checksums as set, every call with a timeout, and no retries
 * inside, because ours are around it. Answers complete on the client's event loops.
 */
final class S3Connection implements AutoCloseable {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final int MAX_WAITING_REQUESTS = 10_000;
    /** The closed client still hands clean-up tasks to its event loops for a moment. */
    private static final long QUIET_MS = 300;

    private static final long STOP_TIMEOUT_MS = 2_000;

    private final S3AsyncClient client;
    private final EventLoopGroup eventLoops;
    private final AwsCredentialsProvider credentials;

    private S3Connection(S3AsyncClient client, EventLoopGroup eventLoops, AwsCredentialsProvider credentials) {
        this.client = client;
        this.eventLoops = eventLoops;
        this.credentials = credentials;
    }

    S3AsyncClient client() {
        return client;
    }

    /** {@code ownedCredentials} are closed with it; closing them twice does no harm. */
    static S3Connection open(S3Settings settings, String threadName, AwsCredentialsProvider ownedCredentials) {
        EventLoopGroup eventLoops = new NioEventLoopGroup(
                Math.max(2, Runtime.getRuntime().availableProcessors()), Threads.factory(threadName));
        try {
            S3AsyncClient client =
                    builder(settings, ownedCredentials, eventLoops).build();
            return new S3Connection(client, eventLoops, ownedCredentials);
        } catch (SdkException e) {
            stop(eventLoops);
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "Cannot open " + settings.describe() + ": " + e.getMessage() + "; give region=… in the store's URI",
                    e);
        }
    }

    private static S3AsyncClientBuilder builder(
            S3Settings settings, AwsCredentialsProvider credentials, EventLoopGroup eventLoops) {
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
                .httpClientBuilder(httpClient(settings, timeout, eventLoops))
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
        return builder;
    }

    /**
     * The SDK (2.56.0, HttpOrHttp2ChannelPool) forgets some requests whose connection is refused before it ever had one, until another is made:
     * when the refusal is there before the pool listens to it. They end with the acquisition's timeout.
     */
    private static NettyNioAsyncHttpClient.Builder httpClient(
            S3Settings settings, Duration timeout, EventLoopGroup eventLoops) {
        return NettyNioAsyncHttpClient.builder()
                .maxConcurrency(settings.maxConcurrency())
                .maxPendingConnectionAcquires(MAX_WAITING_REQUESTS)
                .connectionTimeout(CONNECT_TIMEOUT)
                .connectionAcquisitionTimeout(timeout)
                .readTimeout(timeout)
                .writeTimeout(timeout)
                .tcpKeepAlive(true)
                .eventLoopGroup(SdkEventLoopGroup.create(eventLoops, NioSocketChannel::new));
    }

    /** Ends requests in flight with errors and stops the event loops in the background. */
    @Override
    public void close() {
        client.close();
        stop(eventLoops);
        if (credentials instanceof SdkAutoCloseable closeable) {
            closeable.close();
        }
    }

    private static void stop(EventLoopGroup eventLoops) {
        eventLoops.shutdownGracefully(QUIET_MS, STOP_TIMEOUT_MS, TimeUnit.MILLISECONDS);
    }
}
