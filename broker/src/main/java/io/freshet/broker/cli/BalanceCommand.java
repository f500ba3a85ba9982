// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.freshet.broker.cli.fleet.Fleet;
import io.freshet.broker.inspect.BalancePages;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.balance.BalanceSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Reader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code freshet balance}: how even the brokers are, what would move, and whether anything may. */
@Command(
        name = "balance",
        description = "Shows how even the brokers' loads are and which partitions would move, or pauses balancing.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class BalanceCommand implements Callable<Integer> {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    @Spec
    CommandSpec spec;

    @Option(names = "--http", paramLabel = "HOST:PORT", description = "HTTP listener of any broker (localhost:8080).")
    @Nullable
    String http;

    @Option(names = "--data", paramLabel = "DIR", description = "Ask a broker of freshet up --brokers N --data DIR.")
    @Nullable
    Path data;

    @ArgGroup
    @Nullable
    What what;

    @Option(names = "--output", paramLabel = "FORM", defaultValue = "text", description = "text or json (text).")
    Form form;

    @Option(
            names = "--bootstrap-server",
            paramLabel = "HOST:PORT",
            description = "With --pause and --resume: a broker for Kafka clients (the one asked, unless given).")
    @Nullable
    String bootstrap;

    @Option(
            names = "--command-config",
            paramLabel = "FILE",
            description = "With --pause and --resume: properties of the Kafka client.")
    @Nullable
    Path commandConfig;

    @SuppressWarnings("NullAway.Init")
    BalanceCommand() {}

    /** Forms of output. */
    enum Form {
        /** For people. */
        text,
        /** One JSON document. */
        json
    }

    /** One of these; a summary if none is given. */
    static final class What {
        @Option(names = "--explain", description = "Loads, moves with their reasons, and what holds moves back.")
        boolean explain;

        @Option(names = "--dry-run", description = "The moves that would make the cluster even. Nothing moves.")
        boolean dryRun;

        @Option(names = "--pause", description = "No partition moves until --resume.")
        boolean pause;

        @Option(names = "--resume", description = "Partitions move again.")
        boolean resume;
    }

    @Override
    public Integer call() {
        What asked = what == null ? new What() : what;
        String page = get();
        if (asked.pause || asked.resume) {
            setEnabled(asked.resume, bootstrap == null ? parse(page).bootstrap() : bootstrap);
            out().println(asked.resume ? "Balancing goes on" : "Balancing is paused: no partition moves by itself");
        } else if (form == Form.json) {
            out().println(pretty(page));
        } else {
            List<String> lines = BalanceText.lines(parse(page), asked.explain, asked.dryRun);
            lines.forEach(out()::println);
        }
        out().flush();
        return 0;
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    /** The addresses to try. */
    private List<String> addresses() {
        if (http != null) {
            return List.of(http);
        }
        return data == null
                ? List.of("localhost:8080")
                : Fleet.read(data).nodes().stream()
                        .map(node -> "localhost:" + node.httpPort())
                        .toList();
    }

    /** The page of the first broker that answers. */
    private String get() {
        HttpClient client =
                HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
        FreshetException failure = new FreshetException(ErrorKind.INVALID, "There is no broker to ask");
        for (String address : addresses()) {
            try {
                HttpResponse<String> response = client.send(
                        HttpRequest.newBuilder(URI.create("http://" + address + "/api/balance"))
                                .timeout(TIMEOUT)
                                .build(),
                        HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
                if (response.statusCode() == 200) {
                    return response.body();
                }
                failure = new FreshetException(
                        ErrorKind.UNAVAILABLE,
                        "The node at http://" + address + " answered " + response.statusCode() + " to /api/balance: "
                                + response.body());
            } catch (IOException | IllegalArgumentException e) {
                failure = new FreshetException(
                        ErrorKind.UNAVAILABLE,
                        "No answer from a broker at http://" + address + " (" + e
                                + "); name the host:port of its http.listener with --http",
                        e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new FreshetException(ErrorKind.UNAVAILABLE, "Interrupted while asking " + address, e);
            }
        }
        throw failure;
    }

    private static BalancePages.Balance parse(String page) {
        try {
            return new ObjectMapper()
                    .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                    .readValue(page, BalancePages.Balance.class);
        } catch (JsonProcessingException e) {
            throw new FreshetException(ErrorKind.INTERNAL, "Cannot read the node's answer: " + e.getMessage(), e);
        }
    }

    private static String pretty(String page) {
        try {
            ObjectMapper json = new ObjectMapper();
            return json.writerWithDefaultPrettyPrinter().writeValueAsString(json.readTree(page));
        } catch (JsonProcessingException e) {
            throw new FreshetException(ErrorKind.INTERNAL, "Cannot read the node's answer: " + e.getMessage(), e);
        }
    }

    private void setEnabled(boolean isEnabled, String server) {
        Properties properties = new Properties();
        if (commandConfig != null) {
            try (Reader reader = Files.newBufferedReader(commandConfig, StandardCharsets.UTF_8)) {
                properties.load(reader);
            } catch (IOException e) {
                throw new FreshetException(ErrorKind.INVALID, "Cannot read " + commandConfig + ": " + e, e);
            }
        }
        properties.setProperty("bootstrap.servers", server);
        ConfigResource everyBroker = new ConfigResource(ConfigResource.Type.BROKER, "");
        AlterConfigOp change = new AlterConfigOp(
                new ConfigEntry(BalanceSettings.ENABLED, Boolean.toString(isEnabled)), AlterConfigOp.OpType.SET);
        try (Admin admin = Admin.create(properties)) {
            admin.incrementalAlterConfigs(Map.of(everyBroker, List.of(change)))
                    .all()
                    .get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "The broker at " + server + " did not set " + BalanceSettings.ENABLED + "=" + isEnabled + ": "
                            + (e.getCause() == null ? e : e.getCause()).getMessage()
                            + "; name another one with --bootstrap-server",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FreshetException(ErrorKind.UNAVAILABLE, "Interrupted while asking " + server, e);
        }
    }
}
