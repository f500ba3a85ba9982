// SPDX-License-Identifier: Apache-2.0
package io.freshet.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StoragePagesTest {
    private final CompletableFuture<StorageSource.Reply> slow = new CompletableFuture<>();
    private final CompletableFuture<Void> asked = new CompletableFuture<>();
    private final HealthSource health = new HealthSource() {
        @Override
        public List<String> notReadyReasons() {
            return List.of();
        }

        @Override
        public boolean isLive() {
            return true;
        }
    };
    private final ConsoleServer server = ConsoleServer.start("127.0.0.1", 0, health, () -> "", (path, parameters) -> {
        if (path.endsWith("/slow")) {
            asked.complete(null);
            return slow;
        }
        return path.endsWith("/broken")
                ? CompletableFuture.failedFuture(new IllegalStateException("no"))
                : CompletableFuture.completedFuture(
                        new StorageSource.Reply(200, "\"" + path + " " + parameters + "\""));
    });

    @AfterEach
    void stop() {
        server.close();
    }

    private HttpResponse<String> send(String method, String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + server.boundPort() + path);
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(uri)
                                .method(method, HttpRequest.BodyPublishers.noBody())
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void pathAndParametersReachTheSource() throws Exception {
        HttpResponse<String> response = send("GET", "/api/storage/streams?after=7");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type")).hasValue("application/json; charset=utf-8");
        assertThat(response.body()).isEqualTo("\"/api/storage/streams {after=[7]}\"");
        assertThat(send("POST", "/api/storage/streams").statusCode()).isEqualTo(405);
        assertThat(send("GET", "/api/storage/broken").statusCode()).isEqualTo(500);
    }

    @Test
    void answersKeepTheOrderOfTheRequests() throws Exception {
        try (Socket socket = new Socket("127.0.0.1", server.boundPort())) {
            socket.setSoTimeout(20_000);
            String requests = "GET /api/storage/slow HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(requests.getBytes(StandardCharsets.US_ASCII));
            asked.join();
            slow.complete(new StorageSource.Reply(200, "\"late\""));
            String answers = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            assertThat(answers.indexOf("late")).isPositive().isLessThan(answers.indexOf("ok\n"));
        }
    }
}
