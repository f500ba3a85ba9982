// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import io.freshet.broker.config.ServerConfig;
import io.freshet.broker.server.BrokerServer;
import io.freshet.broker.server.WalDevices;
import io.freshet.metadata.MetadataFormat;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.Uuid;

/** A whole server in this process, with a WAL of 24 MiB, whose faults a test can make. Used by one thread. */
final class SmallServer implements AutoCloseable {
    private static final long MIB = 1 << 20;

    private final BrokerServer server;

    private SmallServer(BrokerServer server) {
        this.server = server;
    }

    /** Starts on {@code data}, formatting it if it is new; {@code port} 0: any free one. */
    static SmallServer start(Path data, int port, WalDevices devices, Map<String, String> overrides) {
        Map<String, String> values = new HashMap<>();
        values.put("process.roles", "broker,controller");
        values.put("node.id", "1");
        values.put("listeners", "PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:0");
        values.put("controller.listener.names", "CONTROLLER");
        values.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        values.put("controller.quorum.bootstrap.servers", "127.0.0.1:9093");
        values.put("log.dirs", data.toString());
        values.put("http.listener", "127.0.0.1:0");
        values.put("wal.capacity.bytes", Long.toString(24 * MIB));
        values.put("wal.s3.capacity.bytes", Long.toString(24 * MIB));
        values.put("storage.upload.bytes", Long.toString(4 * MIB));
        values.put("storage.upload.interval.ms", "1000");
        values.put("cache.tail.bytes", Long.toString(64 * MIB));
        values.put("cache.block.bytes", Long.toString(32 * MIB));
        values.put("group.initial.rebalance.delay.ms", "0");
        values.putAll(overrides);
        ServerConfig config = ServerConfig.of(values);
        if (!Files.exists(config.metadataDirectory())) {
            MetadataFormat.format(
                    config.metadataDirectory(), Uuid.randomUuid().toString(), 1, Uuid.randomUuid(), "127.0.0.1", 9093);
        }
        return new SmallServer(BrokerServer.start(config, devices));
    }

    String bootstrap() {
        return server.bootstrap();
    }

    /** Host and port of its HTTP listener. */
    String http() {
        return server.httpAddress().orElseThrow();
    }

    /** Whether it would end its process by now. */
    boolean hasGivenUp() {
        return server.failure().isDone();
    }

    int status(String path) throws IOException, InterruptedException {
        return get(path).statusCode();
    }

    String text(String path) throws IOException, InterruptedException {
        return get(path).body();
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://" + http() + path);
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    }

    @Override
    public void close() {
        server.close();
    }
}
