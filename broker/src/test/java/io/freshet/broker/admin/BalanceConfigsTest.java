// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.broker.config.ServerConfig;
import io.freshet.metadata.balance.BalanceSettings;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.junit.jupiter.api.Test;

/** How brokers are kept even can be changed for the cluster while it runs. */
class BalanceConfigsTest {
    private static final ConfigResource CLUSTER = new ConfigResource(ConfigResource.Type.BROKER, "");

    private final ServerConfig config = ServerConfig.of(Map.of(
            "node.id", "1",
            "process.roles", "broker,controller",
            "controller.listener.names", "CONTROLLER",
            "controller.quorum.bootstrap.servers", "localhost:9093",
            "listeners", "PLAINTEXT://localhost:0,CONTROLLER://localhost:9093",
            "balance.tolerance", "0.2",
            "log.dirs", "unused"));
    private final ConfigChangeValidation validation = ConfigChangeValidation.of(config.kafka());

    @Test
    void takesTheKeysForTheCluster() {
        validation.validate(
                CLUSTER,
                Map.of(
                        "balance.enabled", "false",
                        "balance.moves.per.minute", "5",
                        "balance.exclude.topics", "a,b*",
                        "balance.exclude.brokers", "1,2",
                        "log.retention.ms", "1000"));
        assertThat(BrokerConfigs.SUPPORTED_DYNAMIC_NAMES).containsAll(BalanceSettings.NAMES);
    }

    @Test
    void refusesThemForOneBrokerAndValuesThatCannotBe() {
        assertThatThrownBy(() -> validation.validate(
                        new ConfigResource(ConfigResource.Type.BROKER, "1"), Map.of("balance.enabled", "false")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("--entity-default");
        for (Map<String, String> wrong : List.of(
                Map.of("balance.enabled", "perhaps"),
                Map.of("balance.moves.per.minute", "0"),
                Map.of("balance.tolerance", "2"),
                Map.of("balance.exclude.brokers", "one"))) {
            assertThatThrownBy(() -> validation.validate(CLUSTER, wrong))
                    .as("%s", wrong)
                    .isInstanceOf(InvalidRequestException.class);
        }
    }

    @Test
    void theFileGivesDefaults() {
        assertThat(BalanceSettings.of(Map.of(), config.kafka().nonInternalValues()))
                .isEqualTo(new BalanceSettings(true, 200, 0.2, List.of(), List.of()));
    }
}
