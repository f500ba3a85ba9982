// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MemoryDefaultsTest {
    private static final long MIB = 1 << 20;

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
    void leavesTheUsualDefaultsWhereTheyFit() {
        assertThat(MemoryDefaults.addTo(minimal(), 2048 * MIB)).isEqualTo(minimal());
    }

    @Test
    void budgetsOfASmallProcessFitAndAreAccepted() {
        for (long direct : new long[] {100 * MIB, 128 * MIB, 256 * MIB, 512 * MIB, 1024 * MIB, 2047 * MIB}) {
            ServerConfig config = ServerConfig.of(MemoryDefaults.addTo(minimal(), direct));
            long network = direct / 4;
            long given = config.tailCacheBytes()
                    + config.kafka().getLong(FreshetKeys.CACHE_BLOCK_BYTES)
                    + config.kafka().getLong(FreshetKeys.STORAGE_COMPACTION_MEMORY_BYTES);
            assertThat(given + network).isLessThan(Math.max(direct, 128 * MIB) * 3 / 4);
        }
    }

    @Test
    void whatIsConfiguredStays() {
        Map<String, String> given = minimal();
        given.put(FreshetKeys.CACHE_TAIL_BYTES, "900000000");
        given.put(FreshetKeys.CACHE_BLOCK_BYTES, "20000000");
        Map<String, String> all = MemoryDefaults.addTo(given, 512 * MIB);
        assertThat(all).containsAllEntriesOf(given).doesNotContainKey(FreshetKeys.WAL_CAPACITY_BYTES);
    }
}
