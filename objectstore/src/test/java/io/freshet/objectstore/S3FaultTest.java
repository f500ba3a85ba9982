// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import static io.freshet.objectstore.ObjectStoreContract.assertFails;
import static io.freshet.objectstore.ObjectStoreContract.get;
import static io.freshet.objectstore.ObjectStoreContract.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.freshet.common.ErrorKind;
import io.freshet.objectstore.ObjectStore.PutOutcome;
import io.freshet.objectstore.retry.RetryPolicy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The S3 store against a server whose every answer is scripted: slow-downs, broken bodies, lost answers, silence. */
class S3FaultTest {
    private static final byte[] CONTENT = "0123456789".getBytes(StandardCharsets.US_ASCII);

    private final StoreFixture fixture = new StoreFixture();
    private final Queue<Answer> script = new ConcurrentLinkedQueue<>();
    private final Queue<String> requests = new ConcurrentLinkedQueue<>();
    private final AtomicReference<String> nonce = new AtomicReference<>();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private HttpServer server;
    private ObjectStore store;

    private interface Answer {
        void to(HttpExchange exchange) throws IOException, InterruptedException;
    }

    @BeforeEach
    void open() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
        String uri = "s3://b?endpoint=http://127.0.0.1:" + server.getAddress().getPort()
                + "&pathStyle=true&attemptTimeoutMs=2000&partSizeMiB=5";
        store = fixture.over(fixture.s3(uri, "a", "b"), new RetryPolicy(4, 1, 2));
    }

    @AfterEach
    void close() {
        store.close();
        closing.countDown();
        server.stop(0);
        threads.shutdownNow();
        fixture.close();
    }

    private void answer(HttpExchange exchange) throws IOException {
        exchange.getRequestBody().readAllBytes();
        requests.add(exchange.getRequestMethod());
        Answer next = script.poll();
        try {
            if (next == null) {
                status(501, "NotImplemented").to(exchange);
            } else {
                next.to(exchange);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            exchange.close();
        }
    }

    private static Answer status(int status, String code) {
        return exchange -> {
            byte[] body = ("<Error><Code>" + code + "</Code><Message>scripted</Message></Error>")
                    .getBytes(StandardCharsets.US_ASCII);
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
        };
    }

    private static Answer ok(String body) {
        return exchange -> {
            exchange.getResponseHeaders().add("ETag", "\"e\"");
            byte[] bytes = body.getBytes(StandardCharsets.US_ASCII);
            exchange.sendResponseHeaders(200, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
        };
    }

    private static Answer content(int promised, int sent) {
        return exchange -> {
            exchange.sendResponseHeaders(206, promised);
            exchange.getResponseBody().write(CONTENT, 0, sent);
        };
    }

    /** The put takes effect, but the connection closes without an answer. */
    private Answer lostPut() {
        return exchange -> nonce.set(exchange.getRequestHeaders().getFirst("x-amz-meta-freshet-nonce"));
    }

    /** The object bears {@code seenNonce}, or that of the lost put if it is empty. */
    private Answer head(String seenNonce) {
        return exchange -> {
            exchange.getResponseHeaders()
                    .add("x-amz-meta-freshet-nonce", seenNonce.isEmpty() ? nonce.get() : seenNonce);
            exchange.sendResponseHeaders(200, -1);
        };
    }

    @Test
    void aReadSurvivesABrokenBodyAndASlowDown() {
        script.addAll(List.of(content(10, 4), status(503, "SlowDown"), status(500, "InternalError"), content(10, 10)));
        ByteBuffer target = ByteBuffer.allocate(10);
        get(store.read("k", 0, target));
        assertThat(target.array()).isEqualTo(CONTENT);
        assertThat(requests).hasSize(4);
        assertThat(fixture.count("freshet.objectstore.requests", "op", "read", "outcome", "throttled"))
                .isEqualTo(1);
    }

    @Test
    void aBodyThatStaysBrokenIsUnavailable() {
        script.addAll(List.of(content(10, 4), content(10, 0), content(10, 9), content(10, 1)));
        assertFails(store.read("k", 0, ByteBuffer.allocate(10)), ErrorKind.UNAVAILABLE);
    }

    @Test
    void aStoreThatIgnoresTheRangeIsRefused() {
        script.add(content(10, 10));
        assertFails(store.read("k", 2, ByteBuffer.allocate(3)), ErrorKind.INVALID);
    }

    @Test
    void silenceEndsAtTheTimeLimit() throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(2);
        for (int i = 0; i < 4; i++) {
            script.add(exchange -> {
                asked.countDown();
                closing.await();
            });
        }
        try (ObjectStore impatient = fixture.over(
                fixture.s3(
                        "s3://b?endpoint=http://127.0.0.1:"
                                + server.getAddress().getPort() + "&pathStyle=true&attemptTimeoutMs=1000",
                        "a",
                        "b"),
                new RetryPolicy(2, 1, 2))) {
            assertFails(impatient.read("k", 0, ByteBuffer.allocate(10)), ErrorKind.UNAVAILABLE);
            // the server may notice a request after its sender has given it up
            assertThat(asked.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(requests).hasSize(2);
        }
    }

    @Test
    void aLostAnswerOfPutIfAbsentIsSettledByItsNonce() {
        script.addAll(List.of(lostPut(), status(412, "PreconditionFailed"), head("")));
        assertThat(get(store.putIfAbsent("k", text("x")))).isEqualTo(PutOutcome.CREATED);
        assertThat(requests).containsExactly("PUT", "PUT", "HEAD");
    }

    @Test
    void aConflictThatEndsInARefusalIsSomebodyElses() {
        script.addAll(List.of(
                status(409, "ConditionalRequestConflict"), status(412, "PreconditionFailed"), head("another-nonce")));
        assertThat(get(store.putIfAbsent("k", text("x")))).isEqualTo(PutOutcome.ALREADY_EXISTS);
    }

    @Test
    void permanentErrorsAreAskedOnce() {
        script.add(status(403, "AccessDenied"));
        assertFails(store.put("k", text("x")), ErrorKind.DENIED);
        script.add(status(400, "InvalidArgument"));
        assertFails(store.put("k", text("x")), ErrorKind.INVALID);
        script.add(status(301, "PermanentRedirect"));
        assertFails(store.put("k", text("x")), ErrorKind.INVALID);
        assertThat(requests).hasSize(3);
    }

    @Test
    void aFailedPartAbortsTheUpload() {
        script.add(ok("<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"));
        for (int i = 0; i < 3; i++) {
            script.add(status(403, "AccessDenied"));
        }
        script.add(ok(""));
        assertFails(store.put("k", List.of(ByteBuffer.allocate(11 << 20))), ErrorKind.DENIED);
        assertThat(requests).containsExactly("POST", "PUT", "PUT", "PUT", "DELETE");
    }

    @Test
    void aPartOfAPieceWisePutIsRetriedAndItsFailureAbortsTheUpload() {
        script.addAll(List.of(
                ok("<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"),
                status(503, "SlowDown"),
                status(403, "AccessDenied"),
                ok("")));
        byte[] bytes = ObjectStoreContract.randomBytes(20 << 20, 1);
        assertFails(store.putPieces("k", ObjectStoreContract.pieces(bytes, 5 << 20)), ErrorKind.DENIED);
        assertThat(requests).containsExactly("POST", "PUT", "PUT", "DELETE");
    }

    @Test
    void aSmallPieceWisePutIsOneRequestAndRetried() {
        script.addAll(List.of(status(503, "SlowDown"), ok("")));
        get(store.putPieces("k", ObjectStoreContract.pieces(new byte[1000], 300)));
        assertThat(requests).containsExactly("PUT", "PUT");
    }

    @Test
    void aDeleteReportsEachKeyThatIsLeft() {
        script.add(ok("<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
                + "<Error><Key>c</Key><Code>NoSuchKey</Code><Message>gone</Message></Error></DeleteResult>"));
        assertThat(get(store.delete(List.of("a", "b", "c"))).failed())
                .containsOnlyKeys("b")
                .containsEntry("b", "AccessDenied: no");
    }
}
