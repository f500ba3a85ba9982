// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.tests.nemesis.Enclosed;
import io.freshet.tests.nemesis.Namespaces;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * Network partitions of a cluster whose nodes have network namespaces of their own. {@link PartitionScenarios} does and asserts it all, in
 * a process enclosed in namespaces, with which everything ends.
 */
class PartitionST {
    @TempDir
    Path folder;

    @Test
    void isolatedBrokersAcknowledgeNothingAndComeBack() throws Exception {
        Namespaces.Permission permission = Namespaces.ask();
        if (permission instanceof Namespaces.Permission.Refused refused) {
            LoggerFactory.getLogger(PartitionST.class).warn(refused.reason());
            Assumptions.abort(refused.reason());
        }
        Namespaces namespaces = ((Namespaces.Permission.Granted) permission).namespaces();
        Process process = Enclosed.start(
                        namespaces,
                        List.of("-Xmx512m"),
                        PartitionScenarios.class.getName(),
                        List.of(FreshetProcess.distribution().toString(), folder.toString()))
                .redirectErrorStream(true)
                .start();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            output.lines().forEach(System.out::println);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as("see what it printed").isZero();
        } finally {
            process.destroyForcibly();
        }
    }
}
