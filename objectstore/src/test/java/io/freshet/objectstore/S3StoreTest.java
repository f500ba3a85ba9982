// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.objectstore.retry.RetryPolicy;
import io.freshet.objectstore.testing.S3Server;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The S3 store against a real server in this JVM that keeps its objects in memory. */
class S3StoreTest extends ObjectStoreContract {
    private static S3Server server;

    private final StoreFixture fixture = new StoreFixture();
    private ObjectStore store;

    @BeforeAll
    static void startServer() throws Exception {
        S3Server.offerCredentials();
        server = S3Server.start(null);
        server.createBucket("freshet");
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @BeforeEach
    void open() {
        store = fixture.open(server.storeUri("freshet") + "&partSizeMiB=16");
    }

    @AfterEach
    void close() {
        store.close();
        fixture.close();
    }

    @Override
    ObjectStore store() {
        return store;
    }

    @Test
    void keysStayBelowThePrefix() {
        try (ObjectStore inside = fixture.open(server.storeUri("freshet") + "&prefix=cluster/one")) {
            get(inside.put("data/a", text("x")));
            assertThat(get(inside.list("", "", 10)).objects())
                    .singleElement()
                    .satisfies(s -> assertThat(s.key()).isEqualTo("data/a"));
            assertThat(readText("cluster/one/data/a", 1)).isEqualTo("x");
            assertThat(get(inside.delete(List.of("data/a"))).failed()).isEmpty();
            assertThat(get(store.stat("cluster/one/data/a"))).isEmpty();
        }
    }

    @Test
    void holdsNoMoreOfFormerPiecesThanItSays() {
        int pieceBytes = 1 << 20;
        List<WeakReference<byte[]>> given = new ArrayList<>();
        List<Long> held = new ArrayList<>();
        get(store.putPieces(
                "held/a",
                () -> CompletableFuture.supplyAsync(() -> {
                    if (given.size() % 4 == 0) {
                        System.gc();
                        held.add(given.stream()
                                        .filter(piece -> piece.get() != null)
                                        .count()
                                * pieceBytes);
                    }
                    byte[] piece = new byte[given.size() == 80 ? 0 : pieceBytes];
                    given.add(new WeakReference<>(piece));
                    return List.of(ByteBuffer.wrap(piece));
                })));
        assertThat(get(store.stat("held/a")).orElseThrow().sizeBytes()).isEqualTo(80L * pieceBytes);
        // Threads that have just written a piece may still hold it on their stacks.
        assertThat(held)
                .hasSizeGreaterThan(20)
                .allSatisfy(
                        bytes -> assertThat(bytes).isLessThanOrEqualTo(PieceSource.MAX_HELD_BYTES + 8L * pieceBytes));
        assertThat(held)
                .as("what is on its way")
                .anySatisfy(bytes -> assertThat(bytes).isGreaterThan(PieceSource.MAX_HELD_BYTES / 3));
    }

    @Test
    void multipartUploadsCountTheirRequestsAndLeaveNothingBehind() {
        get(store.put("parts/a", List.of(ByteBuffer.wrap(randomBytes(40 << 20, 5)))));
        assertThat(fixture.count("freshet.objectstore.requests", "op", "part", "outcome", "ok"))
                .isEqualTo(3);
        assertThat(fixture.count("freshet.objectstore.bytes", "op", "part")).isEqualTo(40 << 20);
        assertThat(fixture.count("freshet.objectstore.requests", "op", "complete"))
                .isEqualTo(1);
        assertThat(server.unfinishedUploads("freshet")).isZero();
    }

    @Test
    void aBodyOfTwoPartsIsOneRequest() {
        byte[] bytes = randomBytes(32 << 20, 6);
        get(store.put("whole/a", List.of(ByteBuffer.wrap(bytes))));
        assertThat(fixture.count("freshet.objectstore.requests", "op", "put", "outcome", "ok"))
                .isEqualTo(1);
        assertThat(fixture.count("freshet.objectstore.requests", "op", "begin")).isZero();
        assertThat(read("whole/a", 0, bytes.length)).isEqualTo(bytes);
    }

    @Test
    void aMissingBucketIsNamed() {
        try (ObjectStore missing = fixture.open(server.storeUri("nowhere"))) {
            assertFails(missing.put("a", text("x")), ErrorKind.MISSING);
            assertFails(missing.read("a", 0, ByteBuffer.allocate(1)), ErrorKind.MISSING);
            assertFails(missing.list("", "", 10), ErrorKind.MISSING);
            assertThatThrownBy(() -> get(StoreProbe.check(missing, fixture.randomness)))
                    .hasMessageContaining("s3://nowhere")
                    .hasMessageContaining("start-up check 'list'")
                    .hasMessageContaining("check that the bucket exists");
        }
    }

    @Test
    void aWrongSecretIsDeniedAtOnce() {
        try (ObjectStore wrong =
                fixture.over(fixture.s3(server.storeUri("freshet"), S3Server.ACCESS_KEY, "wrong"), StoreFixture.FAST)) {
            assertFails(wrong.put("a", text("x")), ErrorKind.DENIED);
            assertFails(wrong.read("a", 0, ByteBuffer.allocate(1)), ErrorKind.DENIED);
            assertFails(wrong.stat("a"), ErrorKind.DENIED);
            assertThat(fixture.count("freshet.objectstore.retries")).isZero();
        }
    }

    @Test
    void aClosedPortIsUnavailableAndEveryCallEnds() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        String uri = "s3://b?endpoint=http://127.0.0.1:" + port + "&pathStyle=true&attemptTimeoutMs=1000";
        try (ObjectStore closed = fixture.over(fixture.s3(uri, "a", "b"), RetryPolicy.NONE)) {
            List<CompletableFuture<Void>> puts = IntStream.range(0, 20)
                    .mapToObj(i -> closed.put("k" + i, text("x")))
                    .toList();
            puts.forEach(put -> assertFails(put, ErrorKind.UNAVAILABLE));
            assertFails(closed.putIfAbsent("k", text("x")), ErrorKind.INDETERMINATE);
        }
    }

    @Test
    void countsRequestsBytesAndErrors() {
        get(store.put("count/a", text("12345")));
        read("count/a", 1, 3);
        assertFails(store.read("count/none", 0, ByteBuffer.allocate(1)), ErrorKind.MISSING);
        assertThat(fixture.count("freshet.objectstore.requests", "op", "put", "outcome", "ok"))
                .isEqualTo(1);
        assertThat(fixture.count("freshet.objectstore.bytes", "op", "put")).isEqualTo(5);
        assertThat(fixture.count("freshet.objectstore.bytes", "op", "read")).isEqualTo(3);
        assertThat(fixture.count("freshet.objectstore.requests", "op", "read", "outcome", "missing"))
                .isEqualTo(1);
        assertThat(fixture.meters
                        .get("freshet.objectstore.latency")
                        .tag("op", "read")
                        .timer()
                        .count())
                .isEqualTo(2);
    }
}
