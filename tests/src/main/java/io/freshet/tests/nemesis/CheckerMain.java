// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.nemesis;

import io.freshet.tests.bench.StoreProcess;
import io.freshet.tests.checker.Checker;
import io.freshet.tests.checker.HistoryReader;
import io.freshet.tests.workload.Workload;
import java.io.PrintStream;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * {@code bin/freshet-check}: works on a running cluster, or on one of its own that a nemesis disrupts, and judges what the clients
 * saw. Exit code 0: good, 1: anomalies, or something did not end well, 2: wrong arguments.
 */
public final class CheckerMain {
    private static final PrintStream OUT = System.out;

    private CheckerMain() {}

    /** The command line; {@code --check FILE} judges a history that was kept. */
    public static void main(String[] arguments) throws Exception {
        CheckerOptions options;
        try {
            options = CheckerOptions.parse(arguments);
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage() + "\n" + CheckerOptions.USAGE);
            System.exit(2);
            return;
        }
        boolean isOwn =
                options.text("check").isEmpty() && options.text("bootstrap").isEmpty();
        Abilities abilities = isOwn ? Abilities.of(options.kinds()) : Abilities.NONE;
        if (!abilities.missing().isEmpty() && !options.kinds().isEmpty()) {
            abilities.missing().forEach(System.err::println);
            System.exit(2);
        }
        if (abilities.namespaces().isPresent() && !Enclosed.isEnclosed()) {
            List<String> same = new ArrayList<>(List.of(arguments));
            same.addAll(List.of("--seed", Long.toString(options.seed())));
            System.exit(Enclosed.run(abilities.namespaces().get(), CheckerMain.class.getName(), same));
        }
        if (Enclosed.isEnclosed()) {
            Enclosed.endWithParent();
        }
        System.exit(run(options, abilities) ? 0 : 1);
    }

    private static boolean run(CheckerOptions options, Abilities abilities) throws Exception {
        String kept = options.text("check");
        if (!kept.isEmpty()) {
            return judge(Path.of(kept), Map.of(), List.of());
        }
        OUT.println("seed " + options.seed());
        abilities.missing().forEach(reason -> OUT.println("NOT DONE: " + reason));
        return options.text("bootstrap").isEmpty() ? runOwn(options, abilities) : runOn(options);
    }

    private static Path historyFile(CheckerOptions options, Path folder) throws Exception {
        String given = options.text("history");
        Path file = given.isEmpty() ? folder.resolve("history.jsonl") : Path.of(given);
        OUT.println("history " + file.toAbsolutePath());
        return file;
    }

    private static boolean judge(Path history, Map<String, Long> clientErrors, List<String> problems) throws Exception {
        Checker.Verdict verdict = HistoryReader.check(history);
        Verdicts.print(OUT, verdict, clientErrors, problems);
        return verdict.isGood() && problems.isEmpty();
    }

    /** On somebody's cluster, without disruptions. */
    private static boolean runOn(CheckerOptions options) throws Exception {
        Path history = historyFile(options, Files.createTempDirectory("freshet-check"));
        try (Workload workload = Workload.start(options.workload(options.text("bootstrap"), Map.of()), history)) {
            LockSupport.parkNanos(Duration.ofSeconds(options.number("seconds")).toNanos());
            List<String> problems = workload.finish(Duration.ofSeconds(options.number("final-seconds")));
            return judge(history, workload.errors(), problems);
        }
    }

    /** On a cluster and a store of its own. */
    private static boolean runOwn(CheckerOptions options, Abilities abilities) throws Exception {
        Path folder = Path.of(options.text("work"));
        Files.createDirectories(folder);
        Path history = historyFile(options, folder);
        int brokers = (int) options.number("brokers");
        Optional<PrivateNetwork> network =
                Enclosed.isEnclosed() ? Optional.of(PrivateNetwork.make(brokers)) : Optional.empty();
        Optional<FakeClocks> clocks = abilities.kinds().contains(Disruption.Kind.CLOCK)
                ? Optional.of(FakeClocks.in(folder.resolve("clocks")))
                : Optional.empty();
        String storeHost = network.map(PrivateNetwork::storeHost).orElse("127.0.0.1");
        try (StoreProcess s3 = StoreProcess.start(
                        System.getProperty("java.class.path"),
                        folder.resolve("s3"),
                        folder.resolve("s3.log"),
                        options.number("store-latency"));
                FaultProxy proxy = FaultProxy.start(InetAddress.getByName(storeHost), s3.port());
                Cluster cluster = Cluster.start(new Cluster.Plan(
                        Path.of(options.text("distribution")),
                        folder.resolve("fleet"),
                        brokers,
                        settings(options, s3.uriAt(storeHost, proxy.port())),
                        StoreProcess.credentials(),
                        network,
                        clocks))) {
            OUT.println("cluster " + cluster.bootstrap() + ", lane " + options.text("lane") + ", nemesis "
                    + abilities.kinds());
            return disrupt(options, abilities, cluster, proxy, history);
        }
    }

    private static Map<String, String> settings(CheckerOptions options, String storeUri) {
        Map<String, String> settings = new HashMap<>();
        settings.put("storage.uri", storeUri);
        settings.put("wal.lanes", options.text("lane"));
        settings.put("wal.lane", options.text("lane"));
        settings.put("storage.upload.bytes", "4194304");
        settings.put("storage.upload.interval.ms", "2000");
        settings.put("storage.compaction.interval.ms", "5000");
        settings.put("storage.delete.grace.ms", "10000");
        settings.putAll(options.overrides());
        return settings;
    }

    private static boolean disrupt(
            CheckerOptions options, Abilities abilities, Cluster cluster, FaultProxy proxy, Path history)
            throws Exception {
        List<String> problems = new ArrayList<>();
        try (Workload workload = Workload.start(options.workload(cluster.bootstrap(), Map.of()), history)) {
            Nemesis nemesis =
                    new Nemesis(cluster, proxy, workload.availability(), options.seed(), abilities.kinds(), OUT);
            problems.addAll(nemesis.run(Duration.ofSeconds(options.number("seconds"))));
            problems.addAll(workload.finish(Duration.ofSeconds(options.number("final-seconds"))));
            cluster.remarks().forEach(OUT::println);
            List<String> errors = cluster.errorLines();
            OUT.println(errors.size() + " lines of level ERROR in the servers' logs");
            errors.stream().limit(20).forEach(OUT::println);
            return judge(history, workload.errors(), problems);
        }
    }
}
