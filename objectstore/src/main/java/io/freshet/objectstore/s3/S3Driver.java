// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.ObjectStore.DeleteOutcome;
import io.freshet.objectstore.ObjectStore.ListPage;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.PieceSource;
import io.freshet.objectstore.driver.Body;
import io.freshet.objectstore.driver.StoreDriver;
import io.freshet.objectstore.metrics.RequestMeter;
import io.freshet.objectstore.retry.Retries;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Error;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * Objects in a bucket of any S3-compatible store. Needs of the store no more than atomic {@code If-None-Match: *} on
 * PUT, strong consistency and object metadata. Holds no state besides the SDK's clients; answers complete on their event
 * loops. Reads have a client with threads and connections of their own, so that many of them hold up no write.
 */
public final class S3Driver implements StoreDriver {
    private static final String NONCE_METADATA = "freshet-nonce";
    private static final long MAX_SINGLE_PUT_BYTES = 5L << 30;

    private final S3Settings settings;
    private final S3Connection connection;
    private final S3Connection readConnection;
    private final S3AsyncClient client;
    private final Retries partRetries;
    private final RequestMeter meter;

    private S3Driver(
            S3Settings settings,
            S3Connection connection,
            S3Connection readConnection,
            Retries partRetries,
            RequestMeter meter) {
        this.settings = settings;
        this.connection = connection;
        this.readConnection = readConnection;
        this.client = connection.client();
        this.partRetries = partRetries;
        this.meter = meter;
    }

    /** Opens the store with the SDK's default credential chain. Sends no request yet. */
    public static S3Driver open(S3Settings settings, Retries partRetries, RequestMeter meter) {
        AwsCredentialsProvider credentials = DefaultCredentialsProvider.builder()
                .asyncCredentialUpdateEnabled(true)
                .build();
        return open(settings, credentials, partRetries, meter);
    }

    /** Opens the store with {@code ownedCredentials}, which are closed with it. Sends no request yet. */
    public static S3Driver open(
            S3Settings settings, AwsCredentialsProvider ownedCredentials, Retries partRetries, RequestMeter meter) {
        S3Connection connection = S3Connection.open(settings, "freshet-s3", ownedCredentials);
        try {
            return new S3Driver(
                    settings,
                    connection,
                    S3Connection.open(settings, "freshet-s3-read", ownedCredentials),
                    partRetries,
                    meter);
        } catch (RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    @Override
    public CompletableFuture<Void> put(String key, Body body, String nonce) {
        if (settings.isMultipart(body.sizeBytes())) {
            return new MultipartUpload(new PartRequests(this, settings, key, nonce), body).run();
        }
        return client.putObject(putRequest(key, body, nonce).build(), new BodyPublisher(body))
                .handle((answer, error) -> {
                    failIf(error, "put", key);
                    return null;
                });
    }

    @Override
    public boolean streamsPieces() {
        return true;
    }

    @Override
    public CompletableFuture<Void> putPieces(String key, PieceSource source, String nonce) {
        return new PieceUpload(
                        new PartRequests(this, settings, key, nonce),
                        source,
                        body -> partRetries.run(
                                "put", () -> meter.measure("put", body.sizeBytes(), () -> put(key, body, nonce))))
                .run();
    }

    @Override
    public boolean retriesPut(long sizeBytes) {
        return settings.isMultipart(sizeBytes);
    }

    @Override
    public CompletableFuture<PutOutcome> create(String key, Body body, String nonce) {
        if (body.sizeBytes() > MAX_SINGLE_PUT_BYTES) {
            return CompletableFuture.failedFuture(new FreshetException(
                    ErrorKind.INVALID,
                    "Put-if-absent of '" + key + "' with " + body.sizeBytes() + " bytes is above S3's limit of "
                            + MAX_SINGLE_PUT_BYTES + " for a single request; use put or smaller objects"));
        }
        PutObjectRequest request = putRequest(key, body, nonce).ifNoneMatch("*").build();
        return client.putObject(request, new BodyPublisher(body)).handle((answer, error) -> {
            if (error != null && S3Errors.isPreconditionFailed(error)) {
                return PutOutcome.ALREADY_EXISTS;
            }
            failIf(error, "put-if-absent", key);
            return PutOutcome.CREATED;
        });
    }

    private PutObjectRequest.Builder putRequest(String key, Body body, String nonce) {
        return PutObjectRequest.builder()
                .bucket(settings.bucket())
                .key(fullKey(key))
                .metadata(signature(nonce))
                .checksumCRC32C(body.crc32cBase64())
                .overrideConfiguration(timeoutFor(body.sizeBytes()));
    }

    static Map<String, String> signature(String nonce) {
        return Map.of(NONCE_METADATA, nonce);
    }

    @Override
    public CompletableFuture<Author> authorOf(String key, String nonce) {
        return head(key)
                .thenApply(found -> found.map(answer -> answer.metadata().get(NONCE_METADATA))
                        .map(seen -> seen.equals(nonce) ? Author.SAME_NONCE : Author.OTHER_NONCE)
                        .orElse(found.isPresent() ? Author.UNSIGNED : Author.NO_OBJECT));
    }

    @Override
    public CompletableFuture<Optional<ObjectStat>> stat(String key) {
        return head(key)
                .thenApply(found -> found.map(
                        answer -> new ObjectStat(key, answer.contentLength(), millis(answer.lastModified()))));
    }

    private CompletableFuture<Optional<HeadObjectResponse>> head(String key) {
        return client.headObject(r -> r.bucket(settings.bucket()).key(fullKey(key)))
                .handle((answer, error) -> {
                    if (error != null && S3Errors.isNotFound(error)) {
                        return Optional.empty();
                    }
                    failIf(error, "stat", key);
                    return Optional.of(answer);
                });
    }

    @Override
    public CompletableFuture<Void> read(String key, long position, ByteBuffer target) {
        String range = "bytes=" + position + "-" + (position + target.remaining() - 1);
        RangeReader reader = new RangeReader(settings.describe() + ": read of '" + key + "' " + range, target);
        int sizeBytes = target.remaining();
        return readConnection
                .client()
                .getObject(
                        r -> r.bucket(settings.bucket())
                                .key(fullKey(key))
                                .range(range)
                                .overrideConfiguration(timeoutFor(sizeBytes)),
                        reader)
                .handle((done, error) -> {
                    reader.close();
                    failIf(error, "read", key);
                    return null;
                });
    }

    @Override
    public CompletableFuture<ListPage> list(String prefix, String startAfter, int maxKeys) {
        return client.listObjectsV2(r -> {
                    r.bucket(settings.bucket()).prefix(fullKey(prefix)).maxKeys(maxKeys);
                    if (!startAfter.isEmpty()) {
                        r.startAfter(fullKey(startAfter));
                    }
                })
                .handle((answer, error) -> {
                    failIf(error, "list", prefix);
                    return pageOf(answer);
                });
    }

    private ListPage pageOf(ListObjectsV2Response answer) {
        List<ObjectStat> objects = answer.contents().stream().map(this::statOf).toList();
        return new ListPage(objects, Boolean.TRUE.equals(answer.isTruncated()));
    }

    private ObjectStat statOf(S3Object object) {
        String key = object.key().substring(settings.keyPrefix().length());
        return new ObjectStat(key, object.size(), millis(object.lastModified()));
    }

    private static long millis(@Nullable Instant time) {
        return time == null ? 0 : time.toEpochMilli();
    }

    @Override
    public CompletableFuture<DeleteOutcome> delete(Collection<String> keys) {
        if (keys.isEmpty()) {
            return CompletableFuture.completedFuture(new DeleteOutcome(Map.of()));
        }
        List<ObjectIdentifier> all = keys.stream()
                .map(key -> ObjectIdentifier.builder().key(fullKey(key)).build())
                .toList();
        return client.deleteObjects(r ->
                        r.bucket(settings.bucket()).delete(d -> d.objects(all).quiet(true)))
                .handle((answer, error) -> {
                    failIf(error, "delete", keys.iterator().next());
                    return new DeleteOutcome(failuresOf(answer.errors()));
                });
    }

    private Map<String, String> failuresOf(List<S3Error> errors) {
        Map<String, String> failed = new HashMap<>();
        for (S3Error error : errors) {
            if (!"NoSuchKey".equals(error.code())) {
                failed.put(error.key().substring(settings.keyPrefix().length()), error.code() + ": " + error.message());
            }
        }
        return failed;
    }

    /** One request of a multipart upload: counted as {@code op}, retried by itself. */
    <T> CompletableFuture<T> request(
            String op, String key, long sizeBytes, Function<S3AsyncClient, CompletableFuture<T>> call) {
        return partRetries.run(
                op,
                () -> meter.measure(
                        op,
                        sizeBytes,
                        () -> call.apply(client).handle((answer, error) -> {
                            failIf(error, op, key);
                            return answer;
                        })));
    }

    private void failIf(@Nullable Throwable error, String op, String key) {
        if (error != null) {
            throw S3Errors.of(op, key, settings.describe(), error);
        }
    }

    /** A request's time limit: the basic one and a second for every MiB. */
    AwsRequestOverrideConfiguration timeoutFor(long sizeBytes) {
        Duration limit = Duration.ofMillis(settings.attemptTimeoutMs()).plusSeconds(sizeBytes >> 20);
        return AwsRequestOverrideConfiguration.builder()
                .apiCallTimeout(limit)
                .apiCallAttemptTimeout(limit)
                .build();
    }

    String fullKey(String key) {
        return settings.keyPrefix() + key;
    }

    @Override
    public String describe() {
        return settings.describe();
    }

    @Override
    public void close() {
        readConnection.close();
        connection.close();
    }
}
