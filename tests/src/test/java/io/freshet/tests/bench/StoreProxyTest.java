// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StoreProxyTest {
    @ParameterizedTest
    @CsvSource({
        "PUT, /b/wal/1/2/3, PUT, wal",
        "PUT, /b/data/7?partNumber=1&uploadId=u, PART, data",
        "POST, /b/data/7?uploads, BEGIN, data",
        "POST, /b/data/7?uploadId=u, COMPLETE, data",
        "POST, /b?delete, DELETE, wal",
        "DELETE, /b/meta/x, DELETE, meta",
        "HEAD, /b/wal/1, HEAD, wal",
        "GET, /b/data/7, GET, data",
        "GET, /b?list-type=2&prefix=data%2F&max-keys=1000, LIST, data",
        "GET, /b/?list-type=2&prefix=, LIST, other",
    })
    void tellsRequestsApart(String method, String target, StoreRequest.Kind kind, String prefix) {
        byte[] body = target.endsWith("delete")
                ? "<Delete><Object><Key>wal/1/2/3</Key></Object></Delete>".getBytes(StandardCharsets.UTF_8)
                : new byte[0];
        assertThat(StoreRequest.of(method, target, body)).isEqualTo(new StoreRequest(kind, prefix));
    }

    @Test
    void passesRequestsOnLateAndCountsThem() throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        try (StoreProxy proxy = StoreProxy.start(server.getAddress().getPort(), 7)) {
            String root = "http://127.0.0.1:" + proxy.port();
            HttpClient client =
                    HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
            long beganNanos = System.nanoTime();
            HttpResponse<String> echo = client.send(
                    HttpRequest.newBuilder(URI.create(root + "/b/wal/1/2/3"))
                            .PUT(BodyPublishers.ofString("hello"))
                            .build(),
                    BodyHandlers.ofString());
            assertThat(echo.body()).isEqualTo("hello");
            assertThat(System.nanoTime() - beganNanos).isGreaterThan(25_000_000);
            HttpRequest ask =
                    HttpRequest.newBuilder(URI.create(root + "/-/reset")).build();
            assertThat(client.send(ask, BodyHandlers.ofString()).body()).startsWith("wal PUT 1 0 5 ");
            assertThat(client.send(ask, BodyHandlers.ofString()).body()).isEmpty();
        } finally {
            server.stop(0);
        }
    }
}
