// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients in other languages, run as their users run them: tests/clients holds the scripts. A client that is not installed
 * is reported as skipped with the package to install; CI installs all of them and refuses skips.
 */
class ForeignClientsIT {
    private static final Path SCRIPTS = Path.of("clients").toAbsolutePath();

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
    void kcat() throws Exception {
        assumeInstalled("kcat (Debian package kcat)", "kcat", "-V");
        assertThat(run(SCRIPTS.resolve("kcat.sh").toString(), server.bootstrap()))
                .contains("kcat passed");
    }

    @Test
    void confluentKafkaPython() throws Exception {
        assumeInstalled(
                "confluent-kafka (Debian package python3-confluent-kafka)",
                "/usr/bin/python3",
                "-c",
                "import confluent_kafka");
        assertThat(run("/usr/bin/python3", SCRIPTS.resolve("confluent.py").toString(), server.bootstrap()))
                .contains("confluent-kafka-python passed");
    }

    @Test
    void kafkaPython() throws Exception {
        assumeInstalled(
                "kafka-python (Debian packages python3-kafka python3-snappy python3-lz4 python3-zstandard)",
                "/usr/bin/python3",
                "-c",
                "import kafka, snappy, lz4, zstandard");
        assertThat(run("/usr/bin/python3", SCRIPTS.resolve("kafka_python.py").toString(), server.bootstrap()))
                .contains("kafka-python passed");
    }

    @Test
    void kafkajs() throws Exception {
        Path project = SCRIPTS.resolve("kafkajs");
        assumeTrue(
                Files.isDirectory(project.resolve("node_modules")),
                "kafkajs is not installed: run npm ci in tests/clients/kafkajs");
        assertThat(run("node", project.resolve("check.js").toString(), server.bootstrap()))
                .contains("kafkajs passed");
    }

    private static void assumeInstalled(String what, String... probe) throws InterruptedException {
        boolean installed;
        try {
            Process process =
                    new ProcessBuilder(probe).redirectErrorStream(true).start();
            process.getInputStream().readAllBytes();
            installed = process.waitFor() == 0;
        } catch (IOException e) {
            installed = false;
        }
        assumeTrue(installed, what + " is not installed");
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile(folder, "client", ".log");
        Process process = new ProcessBuilder(List.of(command))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        boolean ended = process.waitFor(240, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly().waitFor();
        }
        String text = Files.readString(output);
        System.out.println(text);
        assertThat(ended).as("ended within 240 s; so far:\n%s", text).isTrue();
        assertThat(process.exitValue()).as(text).isZero();
        return text;
    }
}
