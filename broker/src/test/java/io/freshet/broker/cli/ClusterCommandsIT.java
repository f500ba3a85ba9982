// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.cli.fleet.BrokerCommand;
import io.freshet.broker.server.BrokersInOneProcess;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code freshet broker} against a running cluster. */
@Timeout(180)
class ClusterCommandsIT {
    @TempDir
    Path temp;

    private String bootstrap = "";

    private String run(int code, String... arguments) {
        StringWriter out = new StringWriter();
        CommandLine line = new CommandLine(new BrokerCommand());
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(out));
        String[] all = Stream.concat(Arrays.stream(arguments), Stream.of("--bootstrap-server", bootstrap))
                .toArray(String[]::new);
        assertThat(line.execute(all)).as("%s%n%s", List.of(arguments), out).isEqualTo(code);
        System.out.println("$ " + String.join(" ", arguments) + "\n" + out);
        return out.toString();
    }

    @Test
    void brokersAreListedDrainedAndGivenPartitions() throws Exception {
        try (BrokersInOneProcess brokers = new BrokersInOneProcess(temp, 3, Map.of())) {
            bootstrap = brokers.bootstrap();
            brokers.createTopic("t", 4, 1);
            assertThat(run(0, "list")).containsPattern("1 +localhost:\\d+ +- +serving +4 +0 +0");
            assertThat(run(0, "move", "t:1", "2")).contains("Broker 2 leads t-1");
            assertThat(brokers.leaders("t")).isEqualTo(Map.of(0, 1, 1, 2, 2, 1, 3, 1));
            assertThat(run(0, "drain", "1")).contains("Broker 1 leads nothing");
            assertThat(brokers.leaders("t").values()).doesNotContain(1);
            assertThat(run(0, "list")).containsPattern("1 +localhost:\\d+ +- +draining +0 +0 +0");
            run(0, "drain", "1", "--cancel");
            assertThat(run(0, "move", "t:0", "1")).contains("Broker 1 leads t-0");
            await().atMost(Duration.ofSeconds(10))
                    .untilAsserted(
                            () -> assertThat(run(0, "list")).containsPattern("1 +localhost:\\d+ +- +serving +1"));
            assertThat(run(1, "move", "t:9", "1")).contains("Topic t has no partition 9");
            assertThat(run(1, "move", "t", "1")).contains("TOPIC:PARTITION");
        }
    }
}
