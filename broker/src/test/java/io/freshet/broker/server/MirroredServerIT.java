// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.broker.config.ServerConfig;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A whole server whose data directory is deleted between two starts on the same bucket. */
@Timeout(120)
class MirroredServerIT {
    private static final long MIB = 1 << 20;

    @TempDir
    Path temp;

    @Test
    void findsItsTopicsInTheBucketAfterItsDirectoryIsLost() throws Exception {
        String clusterId;
        try (BrokerServer server = BrokerServer.startOrFormat(config("data", "sync"))) {
            assertThat(server.origin()).startsWith("Formatted ");
            clusterId = server.clusterId();
            try (Admin admin = admin(server)) {
                admin.createTopics(List.of(
                                new NewTopic("orders", 3, (short) 1).configs(Map.of("retention.ms", "12345")),
                                new NewTopic("gone", 1, (short) 1)))
                        .all()
                        .get(30, TimeUnit.SECONDS);
                admin.deleteTopics(List.of("gone")).all().get(30, TimeUnit.SECONDS);
            }
        }
        MirroredCluster.delete(temp.resolve("data"));
        try (BrokerServer server = BrokerServer.start(config("data", "sync"))) {
            assertThat(server.origin()).startsWith("Restored the metadata of cluster " + clusterId);
            requireOrders(server, clusterId);
        }
        try (BrokerServer server = BrokerServer.start(config("data", "sync"))) {
            assertThat(server.origin()).isEmpty();
            requireOrders(server, clusterId);
        }
    }

    @Test
    void refusesToStartANewClusterInABucketOfAnother() {
        try (BrokerServer server = BrokerServer.startOrFormat(config("first", "async"))) {
            assertThat(server.origin()).startsWith("Formatted ");
        }
        assertThatThrownBy(() -> BrokerServer.startOrFormat(config("second", "async")))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining("metadata.mirror=sync");
        assertThat(temp.resolve("second").resolve("meta.properties")).doesNotExist();
        try (BrokerServer server = BrokerServer.startOrFormat(config("second", "sync"))) {
            assertThat(server.origin()).startsWith("Restored ");
        }
        assertThatThrownBy(() -> BrokerServer.start(config("first", "async")))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.FENCED));
    }

    @Test
    void endsWhenAnotherProcessTakesTheClusterOver() throws Exception {
        try (BrokerServer old = BrokerServer.startOrFormat(config("first", "sync"));
                BrokerServer owner = BrokerServer.start(config("second", "sync"))) {
            try (Admin admin = admin(old)) {
                admin.createTopics(List.of(new NewTopic("late", 1, (short) 1)));
                FreshetException reason = old.failure().get(30, TimeUnit.SECONDS);
                assertThat(reason.kind()).isEqualTo(ErrorKind.FENCED);
                assertThat(reason).hasMessageContaining("Another process has taken over the metadata");
            }
            try (Admin admin = admin(owner)) {
                assertThat(admin.listTopics().names().get(30, TimeUnit.SECONDS)).isEmpty();
            }
        }
    }

    private static void requireOrders(BrokerServer server, String clusterId) throws Exception {
        try (Admin admin = admin(server)) {
            assertThat(admin.describeCluster().clusterId().get(30, TimeUnit.SECONDS))
                    .isEqualTo(clusterId);
            assertThat(admin.listTopics().names().get(30, TimeUnit.SECONDS)).containsExactly("orders");
            assertThat(admin.describeTopics(List.of("orders")).allTopicNames().get(30, TimeUnit.SECONDS))
                    .hasEntrySatisfying(
                            "orders", topic -> assertThat(topic.partitions()).hasSize(3));
            ConfigResource orders = new ConfigResource(ConfigResource.Type.TOPIC, "orders");
            assertThat(admin.describeConfigs(List.of(orders)).all().get(30, TimeUnit.SECONDS))
                    .hasEntrySatisfying(
                            orders,
                            config -> assertThat(config.entries())
                                    .anyMatch(entry -> entry.name().equals("retention.ms")
                                            && entry.value().equals("12345")));
        }
    }

    private static Admin admin(BrokerServer server) {
        return Admin.create(Map.of("bootstrap.servers", server.bootstrap()));
    }

    private ServerConfig config(String directory, String mirror) {
        Map<String, String> values = new HashMap<>();
        values.put("process.roles", "broker,controller");
        values.put("node.id", "1");
        values.put("listeners", "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0");
        values.put("controller.listener.names", "CONTROLLER");
        values.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        values.put("controller.quorum.bootstrap.servers", "127.0.0.1:9093");
        values.put("log.dirs", temp.resolve(directory).toString());
        values.put("storage.uri", temp.resolve("bucket").toUri().toString());
        values.put("metadata.mirror", mirror);
        values.put("http.listener", "");
        values.put("wal.capacity.bytes", Long.toString(16 * MIB));
        values.put("storage.upload.bytes", Long.toString(4 * MIB));
        values.put("cache.tail.bytes", Long.toString(32 * MIB));
        values.put("cache.block.bytes", Long.toString(32 * MIB));
        return ServerConfig.of(values);
    }
}
