// SPDX-License-Identifier: Apache-2.0
package io.freshet.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.FreshetException;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ConsoleServerTest {
    private final PrometheusMeterRegistry meters = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final HttpClient client = HttpClient.newHttpClient();
    private final Health health = new Health();
    private final ConsoleServer server = ConsoleServer.start("127.0.0.1", 0, health, meters::scrape);

    private static final class Health implements HealthSource {
        volatile List<String> reasons = List.of();
        volatile boolean live = true;

        @Override
        public List<String> notReadyReasons() {
            return reasons;
        }

        @Override
        public boolean isLive() {
            return live;
        }
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private HttpResponse<String> send(String method, String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + server.boundPort() + path);
        HttpRequest request = HttpRequest.newBuilder(uri)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void readinessGivesEveryReason() throws Exception {
        assertThat(send("GET", "/readyz").statusCode()).isEqualTo(200);
        assertThat(send("GET", "/readyz").body()).isEqualTo("ok\n");
        health.reasons = List.of("the WAL is being replayed", "no leader of the quorum");
        HttpResponse<String> answer = send("GET", "/readyz?verbose");
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.body()).isEqualTo("the WAL is being replayed\nno leader of the quorum\n");
    }

    @Test
    void livenessFollowsItsSource() throws Exception {
        assertThat(send("GET", "/livez").statusCode()).isEqualTo(200);
        health.live = false;
        assertThat(send("GET", "/livez").statusCode()).isEqualTo(503);
    }

    @Test
    void metricsAreInPrometheusText() throws Exception {
        meters.counter("freshet.test.count").increment(3);
        HttpResponse<String> answer = send("GET", "/metrics");
        assertThat(answer.body()).contains("freshet_test_count_total 3.0");
        assertThat(answer.headers().firstValue("Content-Type"))
                .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain; version=0.0.4"));
    }

    @Test
    void theIndexListsThePages() throws Exception {
        assertThat(send("GET", "/").body()).contains("/livez", "/readyz", "/metrics");
    }

    @Test
    void otherPathsAndMethodsAreRefused() throws Exception {
        assertThat(send("GET", "/etc/passwd").statusCode()).isEqualTo(404);
        HttpResponse<String> post = send("POST", "/metrics");
        assertThat(post.statusCode()).isEqualTo(405);
        assertThat(post.headers().firstValue("Allow")).contains("GET, HEAD");
        HttpResponse<String> head = send("HEAD", "/livez");
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
    }

    @Test
    void aFailingSourceIsAnInternalError() throws Exception {
        try (ConsoleServer failing = ConsoleServer.start("127.0.0.1", 0, health, () -> {
            throw new IllegalStateException("no metrics");
        })) {
            URI uri = URI.create("http://127.0.0.1:" + failing.boundPort() + "/metrics");
            HttpResponse<String> answer =
                    client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).isEqualTo(500);
            assertThat(answer.body()).doesNotContain("no metrics");
        }
    }

    @Test
    void requestsThatAreNoHttpOrTooLongAreClosed() throws Exception {
        assertThat(rawAnswer("\0\0\0\1garbage\r\n\r\n")).startsWith("HTTP/1.1 400");
        assertThat(rawAnswer("GET /" + "x".repeat(100_000) + " HTTP/1.1\r\n\r\n"))
                .startsWith("HTTP/1.1 400");
        assertThat(rawAnswer("POST / HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n"))
                .startsWith("HTTP/1.1 413");
    }

    private String rawAnswer(String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", server.boundPort())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            InputStream in = socket.getInputStream();
            return new String(in.readNBytes(12), StandardCharsets.ISO_8859_1);
        }
    }

    @Test
    void aConnectionServesManyRequestsAndEndsWithTheServer() throws Exception {
        try (Socket socket = new Socket("127.0.0.1", server.boundPort())) {
            socket.setSoTimeout(10_000);
            byte[] request = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);
            for (int i = 0; i < 3; i++) {
                socket.getOutputStream().write(request);
                StringBuilder answer = new StringBuilder();
                while (!answer.toString().endsWith("ok\n")) {
                    answer.append((char) socket.getInputStream().read());
                }
                assertThat(answer).startsWith("HTTP/1.1 200 OK");
            }
            server.close();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void aTakenPortIsNamed() {
        assertThatThrownBy(() -> ConsoleServer.start("127.0.0.1", server.boundPort(), health, meters::scrape))
                .isInstanceOf(FreshetException.class)
                .hasMessageContaining("127.0.0.1:" + server.boundPort());
    }
}
