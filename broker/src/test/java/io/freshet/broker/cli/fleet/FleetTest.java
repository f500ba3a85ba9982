// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.FreshetException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FleetTest {
    @TempDir
    Path folder;

    private static Properties properties(FleetNode node) throws Exception {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(node.propertiesFile())) {
            properties.load(reader);
        }
        return properties;
    }

    @Test
    void whatIsMadeIsReadAgain() {
        assertThat(Fleet.isIn(folder)).isFalse();
        Fleet made = Fleet.create(folder, 5, 0, Map.of());
        Fleet read = Fleet.read(folder);
        assertThat(Fleet.isIn(folder)).isTrue();
        assertThat(read.nodes()).isEqualTo(made.nodes());
        assertThat(read.clusterId()).isEqualTo(made.clusterId()).isNotEmpty();
        assertThat(read.bootstrap().split(",")).hasSize(5);
        assertThatThrownBy(() -> read.node(6))
                .isInstanceOf(FreshetException.class)
                .hasMessageContaining("its nodes are 1 to 5");
    }

    @Test
    void theFirstThreeOfManyVoteAndAllShareAStore() throws Exception {
        Fleet fleet = Fleet.create(folder, 4, 0, Map.of("wal.s3.batch.age.max.ms", "100"));
        assertThat(fleet.voters()).extracting(FleetNode::id).containsExactly(1, 2, 3);
        Set<Object> stores = new HashSet<>();
        Set<Integer> ports = new HashSet<>();
        for (FleetNode node : fleet.nodes()) {
            Properties own = properties(node);
            assertThat(own.getProperty("process.roles")).isEqualTo(node.id() < 4 ? "broker,controller" : "broker");
            assertThat(own.getProperty("node.id")).isEqualTo(Integer.toString(node.id()));
            assertThat(own.getProperty("controller.quorum.bootstrap.servers").split(","))
                    .hasSize(3);
            assertThat(own.getProperty("wal.s3.batch.age.max.ms")).isEqualTo("100");
            assertThat(own.getProperty("log.dirs"))
                    .isEqualTo(node.dataDirectory().toString());
            stores.add(own.get("storage.uri"));
            ports.addAll(List.of(node.port(), node.httpPort(), node.controllerPort()));
        }
        assertThat(stores).hasSize(1);
        assertThat(ports)
                .as("all different, and none for the last one's controller")
                .hasSize(12);
    }

    @Test
    void twoVoteAsOne() {
        Fleet fleet = Fleet.create(folder, 2, 0, Map.of());
        assertThat(fleet.voters()).hasSize(1);
        assertThat(fleet.formatArguments(fleet.node(1))).contains(fleet.clusterId(), "--standalone");
        assertThat(fleet.formatArguments(fleet.node(2))).contains(fleet.clusterId(), "--no-initial-controllers");
    }

    @Test
    void threeVotersAreFormattedWithOneList() {
        Fleet fleet = Fleet.create(folder, 3, 0, Map.of());
        FleetNode second = fleet.node(2);
        List<String> arguments = fleet.formatArguments(second);
        String voters = arguments.get(arguments.indexOf("--initial-controllers") + 1);
        assertThat(voters.split(","))
                .hasSize(3)
                .contains("2@localhost:" + second.controllerPort() + ":" + second.directoryId());
    }

    @Test
    void nodesMayHaveNetworksOfTheirOwn() throws Exception {
        Fleet made =
                Fleet.create(folder, 3, 19092, Map.of(), id -> new FleetNode.Hosts("10.77.3." + id, "10.77.1." + id));
        assertThat(made.bootstrap()).isEqualTo("10.77.3.1:19092,10.77.3.2:19093,10.77.3.3:19094");
        FleetNode second = Fleet.read(folder).node(2);
        assertThat(second).isEqualTo(made.node(2));
        assertThat(properties(second))
                .containsEntry(
                        "listeners", "PLAINTEXT://10.77.3.2:19093,CONTROLLER://10.77.1.2:" + second.controllerPort())
                .containsEntry("http.listener", "10.77.3.2:" + second.httpPort());
        assertThat(properties(second).getProperty("controller.quorum.bootstrap.servers"))
                .contains("10.77.1.3:" + made.node(3).controllerPort());
    }

    @Test
    void portsFollowTheFirst() {
        Fleet fleet = Fleet.create(folder, 3, 19092, Map.of());
        assertThat(fleet.bootstrap()).isEqualTo("localhost:19092,localhost:19093,localhost:19094");
    }

    @Test
    void anotherProcessIsNeverTakenForANode() throws Exception {
        FleetNode node = Fleet.create(folder, 1, 0, Map.of()).node(1);
        NodeProcess process = new NodeProcess(node, List.of("false"), Map.of());
        assertThat(process.find()).isEmpty();
        ProcessHandle self = ProcessHandle.current();
        String begin = self.info().startInstant().orElseThrow().toString();
        Files.writeString(node.processFile(), self.pid() + " " + begin);
        assertThat(process.find()).contains(self);
        Files.writeString(node.processFile(), self.pid() + " 2001-01-01T00:00:00Z");
        assertThat(process.find()).isEmpty();
        assertThatThrownBy(process::kill)
                .isInstanceOf(FreshetException.class)
                .hasMessageContaining("Node 1 does not run");
    }

    @Test
    void aFolderWithoutAFleetIsRefused() {
        assertThatThrownBy(() -> Fleet.read(folder))
                .isInstanceOf(FreshetException.class)
                .hasMessageContaining("freshet up --brokers");
        assertThatThrownBy(() -> Fleet.create(folder, 0, 0, Map.of())).isInstanceOf(FreshetException.class);
    }
}
