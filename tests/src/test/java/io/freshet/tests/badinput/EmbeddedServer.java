// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.badinput;

import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.server.BrokerServer;
import io.freshet.metadata.MetadataFormat;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.Uuid;

/** A whole server in this process, on free ports, with small caches. */
final class EmbeddedServer implements AutoCloseable {
    private static final long MIB = 1 << 20;

    private final BrokerServer server;

    private EmbeddedServer(BrokerServer server) {
        this.server = server;
    }

    static EmbeddedServer start(Path data, Map<String, String> overrides) {
        Map<String, String> values = new HashMap<>();
        values.put("process.roles", "broker,controller");
        values.put("node.id", "1");
        values.put("listeners", "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0");
        values.put("controller.listener.names", "CONTROLLER");
        values.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        values.put("controller.quorum.bootstrap.servers", "127.0.0.1:9093");
        values.put("log.dirs", data.toString());
        values.put("http.listener", "127.0.0.1:0");
        values.put("wal.capacity.bytes", Long.toString(64 * MIB));
        values.put("storage.upload.bytes", Long.toString(16 * MIB));
        values.put("cache.tail.bytes", Long.toString(96 * MIB));
        values.put("cache.block.bytes", Long.toString(32 * MIB));
        values.put("group.initial.rebalance.delay.ms", "0");
        values.putAll(overrides);
        ServerConfig config = ServerConfig.of(values);
        MetadataFormat.format(
                config.metadataDirectory(), Uuid.randomUuid().toString(), 1, Uuid.randomUuid(), "127.0.0.1", 9093);
        return new EmbeddedServer(BrokerServer.start(config));
    }

    String bootstrap() {
        return server.bootstrap();
    }

    int port() {
        return Integer.parseInt(bootstrap().substring(bootstrap().lastIndexOf(':') + 1));
    }

    /** The first sample of a metric whose line begins with {@code name}. */
    double metric(String name) throws IOException, InterruptedException {
        URI uri = URI.create("http://" + server.httpAddress().orElseThrow() + "/metrics");
        String text = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
                .body();
        return text.lines()
                .filter(line -> line.startsWith(name))
                .map(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("No metric " + name + " in " + text));
    }

    @Override
    public void close() {
        server.close();
    }
}
