// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ServerConfigTest {
    private static Map<String, String> minimal() {
        return new HashMap<>(Map.of(
                "process.roles", "broker,controller",
                "node.id", "3",
                "controller.listener.names", "CONTROLLER",
                "listeners", "PLAINTEXT://localhost:0,CONTROLLER://localhost:9093",
                "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "controller.quorum.bootstrap.servers", "localhost:9093",
                "log.dirs", "/somewhere"));
    }

    @Test
    void defaultsFollowTheLogDirectory() {
        ServerConfig config = ServerConfig.of(minimal());
        assertThat(config.nodeId()).isEqualTo(3);
        assertThat(config.metadataDirectory()).isEqualTo(Path.of("/somewhere"));
        assertThat(config.walPath()).isEqualTo(Path.of("/somewhere/wal/block.wal"));
        assertThat(config.storageUri()).isEqualTo("file:///somewhere/objects");
        assertThat(config.httpListener()).isEqualTo("127.0.0.1:8080");
        assertThat(config.clientListeners()).hasSize(1);
        assertThat(config.advertisedListeners(Map.of("PLAINTEXT", 4711)))
                .singleElement()
                .satisfies(endpoint -> {
                    assertThat(endpoint.host()).isEqualTo("localhost");
                    assertThat(endpoint.port()).isEqualTo(4711);
                });
    }

    @Test
    void anUnknownKeyIsRefusedWithTheNearestOne() {
        assertRefused("log.retention.houres", "1", "did you mean 'log.retention.hours'");
        assertRefused("wal.capacity.byte", "1", "did you mean 'wal.capacity.bytes'");
    }

    @Test
    void aRemovedKeyNamesItsReplacement() {
        assertRefused("zookeeper.connect", "localhost:2181", "process.roles");
    }

    @Test
    void wrongValuesNameTheKey() {
        assertRefused("num.partitions", "many", "num.partitions");
        assertRefused("process.roles", "brooker", "process.roles");
        assertRefused("process.roles", "broker", "must not contain a value appearing in the 'listeners'");
        assertRefused("process.roles", "controller", "must only contain KRaft controller listeners");
        assertRefused("controller.listener.names", "OTHER", "appearing in the 'listeners' configuration");
        assertRefused("controller.quorum.voters", "3@localhost:9093", "controller.quorum.bootstrap.servers");
        assertRefused("controller.quorum.bootstrap.servers", "", "controller.quorum.bootstrap.servers must contain");
        assertRefused("listener.security.protocol.map", "PLAINTEXT:SSL,CONTROLLER:PLAINTEXT", "PLAINTEXT only");
        assertRefused("cache.tail.bytes", "100000000", "wal.capacity.bytes");
    }

    @Test
    void theLanesFitIntoTheTailCache() {
        WalSettings both = ServerConfig.of(minimal()).wal();
        assertThat(both.lanes()).containsExactly("block", "s3");
        assertThat(both.defaultLane()).isEqualTo("block");
        assertThat(both.s3CapacityBytes()).isEqualTo(256L << 20);

        Map<String, String> small = minimal();
        small.put("cache.tail.bytes", Long.toString(600L << 20));
        assertThat(ServerConfig.of(small).wal().s3CapacityBytes()).isEqualTo(24L << 20);
        small.put("wal.s3.capacity.bytes", Long.toString(25L << 20));
        assertThatThrownBy(() -> ServerConfig.of(small)).hasMessageContaining("wal.s3.capacity.bytes");
        small.put("wal.lanes", "s3");
        small.put("wal.lane", "s3");
        assertThat(ServerConfig.of(small).wal().runs("block")).isFalse();

        assertRefused("wal.lanes", "s3", "wal.lane=block is not among wal.lanes=s3");
        assertRefused("wal.lanes", "block,tape", "tape");
        assertRefused("wal.lane", "tape", "tape");
    }

    @Test
    void distanceIsLevenshteins() {
        assertThat(KeyCheck.distance("kitten", "sitting")).isEqualTo(3);
        assertThat(KeyCheck.distance("", "abc")).isEqualTo(3);
    }

    private static void assertRefused(String key, String value, String hint) {
        Map<String, String> values = minimal();
        values.put(key, value);
        assertThatThrownBy(() -> ServerConfig.of(values))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
                .hasMessageContaining(hint);
    }
}
