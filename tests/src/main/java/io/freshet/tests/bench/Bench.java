// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Runs the same loads against Freshet, Kafka, and Kafka with an fsync per append, taking turns, and prints each figure's
 * median and its ratio to Kafka. Started by {@code tests/bench/run.sh}.
 */
public final class Bench {
    private static final Set<String> ALL = Set.of(
            "produce1",
            "produce16",
            "default1",
            "default16",
            "latency",
            "tail",
            "endtoend",
            "catchup",
            "fsync1",
            "fsync16");
    private static final Set<String> SERVERS = Set.of("kafka", "freshet");
    private static final Map<String, String> LARGE_BATCHES = Map.of("linger.ms", "5", "batch.size", "131072");
    private static final int TEN_MB_PER_SECOND = 10_240;

    private final Launcher launcher;
    private final int rounds;
    private final Duration duration;
    private final long catchUpBytes;
    private final Map<String, Map<String, List<Double>>> figures = new LinkedHashMap<>();

    private Bench(Launcher launcher, int rounds, Duration duration, long catchUpBytes) {
        this.launcher = launcher;
        this.rounds = rounds;
        this.duration = duration;
        this.catchUpBytes = catchUpBytes;
    }

    /** Arguments: freshet home, kafka lib folder, work folder, rounds, seconds, catch-up MiB, loads and servers (comma lists, or all). */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 8) {
            throw new IllegalArgumentException("Run tests/bench/run.sh");
        }
        Path work = Path.of(arguments[2]);
        Files.createDirectories(work);
        Launcher launcher = new Launcher(Path.of(arguments[0]), Path.of(arguments[1]), work);
        Bench bench = new Bench(
                launcher,
                Integer.parseInt(arguments[3]),
                Duration.ofSeconds(Long.parseLong(arguments[4])),
                Long.parseLong(arguments[5]) << 20);
        Set<String> loads = arguments[6].equals("all") ? ALL : Set.copyOf(Arrays.asList(arguments[6].split(",")));
        Set<String> servers = arguments[7].equals("all") ? SERVERS : Set.copyOf(Arrays.asList(arguments[7].split(",")));
        bench.run(loads, servers);
        bench.report();
    }

    private void run(Set<String> loads, Set<String> servers) throws Exception {
        for (int round = 0; round < rounds; round++) {
            for (String kind : round % 2 == 0 ? List.of("kafka", "freshet") : List.of("freshet", "kafka")) {
                if (!servers.contains(kind)) {
                    continue;
                }
                try (ServerProcess server = launcher.start(kind)) {
                    Workloads on = new Workloads(server);
                    warmUp(on, round);
                    measure(on, kind, round, loads);
                }
                launcher.clean(kind);
            }
        }
    }

    private void warmUp(Workloads on, int round) throws Exception {
        String topic = "warm-up-" + round;
        on.createTopic(topic, 4, Map.of());
        on.produceAtFullSpeed(topic, duration, Map.of());
        on.produceAtFullSpeed(topic, duration, LARGE_BATCHES);
        on.catchUp(topic, 4, 64 << 20);
        on.deleteTopic(topic);
    }

    private void measure(Workloads on, String kind, int round, Set<String> loads) throws Exception {
        for (int partitions : new int[] {1, 16}) {
            if (loads.contains("produce" + partitions)) {
                String topic = "produce-" + partitions + "-" + round;
                on.createTopic(topic, partitions, Map.of());
                note(
                        "produce, 128 KiB batches, " + partitions + " p",
                        kind,
                        on.produceAtFullSpeed(topic, duration, LARGE_BATCHES));
                on.deleteTopic(topic);
            }
            if (loads.contains("default" + partitions)) {
                String topic = "default-" + partitions + "-" + round;
                on.createTopic(topic, partitions, Map.of());
                note(
                        "produce, 16 KiB batches, " + partitions + " p",
                        kind,
                        on.produceAtFullSpeed(topic, duration, Map.of()));
                on.deleteTopic(topic);
            }
            if (loads.contains("fsync" + partitions)) {
                // Freshet syncs every acknowledged byte anyway; Kafka does when it is told to
                String topic = "fsync-" + partitions + "-" + round;
                on.createTopic(topic, partitions, kind.equals("kafka") ? Map.of("flush.messages", "1") : Map.of());
                note(
                        "produce, fsynced, 128 KiB, " + partitions + " p",
                        kind,
                        on.produceAtFullSpeed(topic, duration, LARGE_BATCHES));
                on.deleteTopic(topic);
            }
        }
        if (loads.contains("latency")) {
            on.createTopic("latency-" + round, 16, Map.of());
            note("produce at 10 MB/s, 16 p", kind, on.produceAtRate("latency-" + round, TEN_MB_PER_SECOND, duration));
        }
        if (loads.contains("tail")) {
            on.createTopic("tail-" + round, 16, Map.of());
            note("end to end at 10 MB/s, 16 p", kind, on.tailAtRate("tail-" + round, 16, TEN_MB_PER_SECOND, duration));
        }
        if (loads.contains("endtoend")) {
            on.createTopic("endtoend-" + round, 1, Map.of());
            note("end to end, one at a time", kind, on.endToEnd("endtoend-" + round, 0, 3000));
        }
        if (loads.contains("catchup")) {
            on.createTopic("catchup-" + round, 4, Map.of());
            note("fill of " + (catchUpBytes >> 20) + " MiB, 4 p", kind, on.fill("catchup-" + round, catchUpBytes));
            note("catch-up of " + (catchUpBytes >> 20) + " MiB", kind, on.catchUp("catchup-" + round, 4, catchUpBytes));
        }
    }

    private void note(String load, String kind, Map<String, Double> results) {
        new TreeMap<>(results).forEach((figure, value) -> {
            System.out.printf(
                    Locale.ROOT,
                    "%s %-34s %-18s %-8s %10.2f  load %s%n",
                    Instant.now(),
                    load,
                    figure,
                    kind,
                    value,
                    hostLoad());
            figures.computeIfAbsent(load + " | " + figure, key -> new LinkedHashMap<>())
                    .computeIfAbsent(kind, key -> new ArrayList<>())
                    .add(value);
        });
    }

    /** Runnable threads of the whole machine, a minute's average: a figure taken under somebody else's load tells little. */
    private static String hostLoad() {
        return String.format(
                Locale.ROOT,
                "%.1f",
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }

    private void report() {
        System.out.println();
        System.out.printf("%-34s %-18s %10s %10s %8s%n", "load", "figure (median)", "kafka", "freshet", "ratio");
        figures.forEach((name, byKind) -> {
            double kafka = median(byKind.getOrDefault("kafka", List.of()));
            double freshet = median(byKind.getOrDefault("freshet", List.of()));
            String[] parts = name.split(" \\| ", 2);
            System.out.printf(
                    Locale.ROOT,
                    "%-34s %-18s %10.2f %10.2f %8.2f%n",
                    parts[0],
                    parts[1],
                    kafka,
                    freshet,
                    freshet / kafka);
        });
    }

    private static double median(List<Double> values) {
        double[] sorted =
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
    }

    /** Starts either server on a data folder of its own. */
    private record Launcher(Path freshetHome, Path kafkaLib, Path work) {
        ServerProcess start(String kind) throws IOException, InterruptedException {
            return kind.equals("kafka") ? startKafka() : startFreshet();
        }

        private ServerProcess startFreshet() throws IOException, InterruptedException {
            int port = freePort();
            List<String> command = List.of(
                    freshetHome.resolve("bin/freshet").toString(),
                    "up",
                    "--data",
                    work.resolve("freshet").toString(),
                    "--port",
                    Integer.toString(port),
                    "--http-port",
                    "0");
            return ServerProcess.start("freshet", command, Map.of(), work.resolve("freshet.log"), port);
        }

        private ServerProcess startKafka() throws IOException, InterruptedException {
            int port = freePort();
            int controllerPort = freePort();
            Path properties = work.resolve("kafka.properties");
            Files.writeString(
                    properties,
                    String.join(
                            "\n",
                            "process.roles=broker,controller",
                            "node.id=1",
                            "listeners=PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controllerPort,
                            "controller.quorum.bootstrap.servers=127.0.0.1:" + controllerPort,
                            "controller.listener.names=CONTROLLER",
                            "log.dirs=" + work.resolve("kafka"),
                            "offsets.topic.replication.factor=1",
                            ""));
            Path log = work.resolve("kafka.log");
            Process format = new ProcessBuilder(java(
                            "-Xmx256m",
                            "kafka.tools.StorageTool",
                            "format",
                            "--standalone",
                            "-t",
                            "MkU3OEVBNTcwNTJENDM2Qk",
                            "-c",
                            properties.toString()))
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            if (format.waitFor() != 0) {
                throw new IOException("Kafka's directory could not be formatted; see " + log);
            }
            // the flags of Kafka's own start script
            List<String> command = java(
                    "-Xms1g",
                    "-Xmx2g",
                    "-server",
                    "-XX:+UseG1GC",
                    "-XX:MaxGCPauseMillis=20",
                    "-XX:InitiatingHeapOccupancyPercent=35",
                    "-XX:+ExplicitGCInvokesConcurrent",
                    "kafka.Kafka",
                    properties.toString());
            return ServerProcess.start("kafka", command, Map.of(), log, port);
        }

        private List<String> java(String... arguments) {
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.add("-cp");
            command.add(kafkaLib + "/*");
            command.addAll(Arrays.asList(arguments));
            return command;
        }

        private static int freePort() throws IOException {
            try (java.net.ServerSocket socket =
                    new java.net.ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            }
        }

        void clean(String kind) throws IOException {
            Path folder = work.resolve(kind);
            try (var paths = Files.walk(folder)) {
                for (Path path :
                        paths.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }
}
