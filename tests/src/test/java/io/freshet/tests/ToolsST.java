// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kafka's own command line tools, unchanged, from the packaged distribution. */
class ToolsST {
    @TempDir
    static Path folder;

    private static FreshetProcess server;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        server = FreshetProcess.start(folder.resolve("data"), "--override=storage.upload.interval.ms=1000");
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.close();
        }
    }

    @Test
    void topicsAreMadeListedDescribedAndDeleted() throws Exception {
        tool(
                "kafka-topics.sh",
                "",
                "--create",
                "--topic",
                "tools",
                "--partitions",
                "3",
                "--config",
                "retention.ms=1000000");
        assertThat(tool("kafka-topics.sh", "", "--list")).contains("tools");
        assertThat(tool("kafka-topics.sh", "", "--describe", "--topic", "tools"))
                .contains("PartitionCount: 3")
                .contains("retention.ms=1000000")
                .contains("Leader: 1");
        assertThat(tool("kafka-topics.sh", "", "--describe", "--under-replicated-partitions"))
                .isBlank();
        tool("kafka-topics.sh", "", "--alter", "--topic", "tools", "--partitions", "4");
        tool("kafka-topics.sh", "", "--delete", "--topic", "tools");
        assertThat(tool("kafka-topics.sh", "", "--list").lines()).doesNotContain("tools");
    }

    @Test
    void theConsoleWritesAndReads() throws Exception {
        tool("kafka-topics.sh", "", "--create", "--topic", "console", "--partitions", "1");
        tool("kafka-console-producer.sh", "one\ntwo\nthree\n", "--topic", "console");
        assertThat(tool(
                                "kafka-console-consumer.sh",
                                "",
                                "--topic",
                                "console",
                                "--from-beginning",
                                "--max-messages",
                                "3",
                                "--group",
                                "console-readers")
                        .lines())
                .contains("one", "two", "three");
        assertThat(tool("kafka-consumer-groups.sh", "", "--describe", "--group", "console-readers"))
                .contains("console");
        assertThat(tool("kafka-consumer-groups.sh", "", "--list")).contains("console-readers");
        assertThat(tool(
                        "kafka-consumer-groups.sh",
                        "",
                        "--group",
                        "console-readers",
                        "--topic",
                        "console",
                        "--reset-offsets",
                        "--to-earliest",
                        "--execute"))
                .contains("console");
        assertThat(tool("kafka-get-offsets.sh", "", "--topic", "console")).contains("console:0:3");
    }

    @Test
    void configsAreShownAndChanged() throws Exception {
        tool("kafka-topics.sh", "", "--create", "--topic", "configured", "--partitions", "1");
        tool(
                "kafka-configs.sh",
                "",
                "--alter",
                "--entity-type",
                "topics",
                "--entity-name",
                "configured",
                "--add-config",
                "retention.ms=77777");
        assertThat(tool("kafka-configs.sh", "", "--describe", "--entity-type", "topics", "--entity-name", "configured"))
                .contains("retention.ms=77777");
        assertThat(tool(
                        "kafka-configs.sh",
                        "",
                        "--describe",
                        "--all",
                        "--entity-type",
                        "brokers",
                        "--entity-name",
                        "1"))
                .contains("log.retention.hours");
    }

    @Test
    void theRestOfTheToolsAnswer() throws Exception {
        tool("kafka-topics.sh", "", "--create", "--topic", "rest", "--partitions", "2");
        assertThat(tool(
                        "kafka-producer-perf-test.sh",
                        "",
                        "--topic",
                        "rest",
                        "--num-records",
                        "20000",
                        "--record-size",
                        "200",
                        "--throughput",
                        "-1"))
                .contains("20000 records sent");
        assertThat(tool("kafka-consumer-perf-test.sh", "", "--topic", "rest", "--num-records", "20000"))
                .contains("20000");
        assertThat(tool("kafka-broker-api-versions.sh", ""))
                .contains("Produce(0)")
                .contains("Fetch(1)");
        assertThat(tool("kafka-log-dirs.sh", "", "--describe", "--topic-list", "rest"))
                .contains("rest-0");
        assertThat(tool("kafka-cluster.sh", "", "cluster-id")).contains("Cluster ID");
        Path offsets = Files.writeString(
                folder.resolve("offsets.json"),
                "{\"partitions\":[{\"topic\":\"rest\",\"partition\":0,\"offset\":1}],\"version\":1}");
        assertThat(tool("kafka-delete-records.sh", "", "--offset-json-file", offsets.toString()))
                .contains("low_watermark: 1");
    }

    private static String tool(String name, String input, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(FreshetProcess.distribution().resolve("bin").resolve(name).toString());
        List<String> rest = new ArrayList<>(List.of(arguments));
        if (name.equals("kafka-cluster.sh")) {
            command.add(rest.remove(0));
        }
        command.add("--bootstrap-server");
        command.add(server.bootstrap());
        command.addAll(rest);
        Path output = Files.createTempFile(folder, "tool", ".out");
        Path source = Files.writeString(Files.createTempFile(folder, "tool", ".in"), input);
        Process process = new ProcessBuilder(command)
                .redirectInput(source.toFile())
                .redirectOutput(output.toFile())
                .redirectErrorStream(true)
                .start();
        boolean ended = process.waitFor(120, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly().waitFor();
        }
        String text = Files.readString(output, StandardCharsets.UTF_8);
        System.out.println("$ " + String.join(" ", command.subList(0, command.size())) + "\n" + text);
        assertThat(ended).as("%s ended within 120 s; so far:%n%s", name, text).isTrue();
        assertThat(process.exitValue()).as("%s%n%s", name, text).isZero();
        return text;
    }
}
