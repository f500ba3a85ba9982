// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Kafka's own tools for moves, unchanged, and {@code freshet broker}, on a cluster of three processes. */
@Timeout(600)
class MoveToolsST {
    @TempDir
    static Path folder;

    private static FreshetProcess cluster;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        cluster = FreshetProcess.start(folder.resolve("data"), "--brokers", "3", "--override", "balance.enabled=false");
    }

    @AfterAll
    static void stop() {
        if (cluster != null) {
            cluster.close();
        }
    }

    private static String run(int exitCode, String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(Arrays.asList(words));
        command.set(
                0,
                FreshetProcess.distribution().resolve("bin").resolve(words[0]).toString());
        command.addAll(List.of("--bootstrap-server", "localhost:" + cluster.port()));
        Path output = Files.createTempFile(folder, "tool", ".out");
        Process process = new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectErrorStream(true)
                .start();
        boolean ended = process.waitFor(120, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly().waitFor();
        }
        String text = Files.readString(output, StandardCharsets.UTF_8);
        System.out.println("$ " + String.join(" ", words) + "\n" + text);
        assertThat(ended)
                .as("%s ended within 120 s; so far:%n%s", words[0], text)
                .isTrue();
        assertThat(process.exitValue()).as("%s%n%s", words[0], text).isEqualTo(exitCode);
        return text;
    }

    private static String describe() throws IOException, InterruptedException {
        return run(0, "kafka-topics.sh", "--describe", "--topic", "moved");
    }

    private static Path plan(String name, String json) throws IOException {
        return Files.writeString(folder.resolve(name), json);
    }

    /** Runs {@code words} until the output says {@code wanted}. */
    private static void awaitText(String wanted, String... words) throws IOException, InterruptedException {
        String said = "";
        for (int i = 0; i < 10 && !said.contains(wanted); i++) {
            said = run(0, words);
        }
        assertThat(said).contains(wanted);
    }

    @Test
    void partitionsAreReassignedElectedAndDrained() throws Exception {
        run(0, "kafka-topics.sh", "--create", "--topic", "moved", "--replica-assignment", "1:2,1:3");
        Path topics = plan("topics.json", "{\"topics\":[{\"topic\":\"moved\"}],\"version\":1}");
        assertThat(run(
                        0,
                        "kafka-reassign-partitions.sh",
                        "--generate",
                        "--broker-list",
                        "2,3",
                        "--topics-to-move-json-file",
                        topics.toString()))
                .contains("Proposed partition reassignment configuration");
        String plan = plan(
                        "plan.json",
                        "{\"version\":1,\"partitions\":[{\"topic\":\"moved\",\"partition\":0,\"replicas\":[2,3]},"
                                + "{\"topic\":\"moved\",\"partition\":1,\"replicas\":[3,2]}]}")
                .toString();
        assertThat(run(0, "kafka-reassign-partitions.sh", "--execute", "--reassignment-json-file", plan))
                .contains("Successfully started partition reassignments for moved-0,moved-1");
        awaitText(
                "Reassignment of partition moved-1 is completed",
                "kafka-reassign-partitions.sh",
                "--verify",
                "--reassignment-json-file",
                plan);
        assertThat(describe())
                .containsPattern("Partition: 0\\s+Leader: 2\\s+Replicas: 2,3")
                .containsPattern("Partition: 1\\s+Leader: 3\\s+Replicas: 3,2");
        assertThat(run(0, "kafka-reassign-partitions.sh", "--list")).contains("No partition reassignments found");
        run(0, "kafka-reassign-partitions.sh", "--cancel", "--reassignment-json-file", plan);
        String swapped = plan(
                        "swapped.json",
                        "{\"version\":1,\"partitions\":[{\"topic\":\"moved\",\"partition\":0,\"replicas\":[3,2]}]}")
                .toString();
        run(0, "kafka-reassign-partitions.sh", "--execute", "--reassignment-json-file", swapped);
        assertThat(describe()).containsPattern("Partition: 0\\s+Leader: 2\\s+Replicas: 3,2");
        assertThat(run(
                        0,
                        "kafka-leader-election.sh",
                        "--election-type",
                        "preferred",
                        "--topic",
                        "moved",
                        "--partition",
                        "0"))
                .contains("Successfully completed leader election (PREFERRED)");
        awaitText("Leader: 3\tReplicas: 3,2", "kafka-topics.sh", "--describe", "--topic", "moved");
        run(0, "kafka-leader-election.sh", "--election-type", "unclean", "--all-topic-partitions");
        run(0, "freshet", "broker", "move", "moved:1", "1");
        assertThat(run(0, "freshet", "broker", "drain", "3")).contains("Broker 3 leads nothing");
        assertThat(run(0, "kafka-configs.sh", "--describe", "--entity-type", "brokers", "--entity-name", "3"))
                .contains("broker.drained=true");
        run(
                0,
                "kafka-configs.sh",
                "--alter",
                "--entity-type",
                "brokers",
                "--entity-name",
                "3",
                "--delete-config",
                "broker.drained");
        assertThat(run(0, "freshet", "broker", "list")).doesNotContain("draining");
    }
}
