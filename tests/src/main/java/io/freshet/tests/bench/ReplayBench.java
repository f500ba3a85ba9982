// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Measures what a replay of cold data by several readers does to the tail: produce and end-to-end latency of a steady load
 * before, during and after it, several times in one run. Started by {@code tests/bench/replay.sh}.
 */
public final class ReplayBench {
    private static final int COLD_PARTITIONS = 4;
    private static final int TAIL_PARTITIONS = 16;
    private static final int RECORD_BYTES = 1024;
    private static final long MIB = 1 << 20;
    private static final String PRODUCE = "freshet_network_produce_seconds";
    private static final String STORE_READ = "freshet_objectstore_bytes_total{op=\"read\"";

    private final Options options;
    private final int httpPort;
    private final int port;

    private ReplayBench(Options options) throws IOException {
        this.options = options;
        this.port = freePort();
        this.httpPort = freePort();
    }

    /**
     * @param home the distribution
     * @param work folder for data, empty
     * @param mib cold data
     * @param readers how often it is replayed at the same time
     * @param replayRate MiB/s of all readers together; 0 for no limit
     * @param tailRate MiB/s of the steady load
     * @param lingerMs of the steady load's producer
     * @param seconds length of the phases before and after
     * @param nice priority of the replaying process, 0 to 19
     * @param rounds how many topics are replayed, one after the other, with a phase without a replay around each
     */
    private record Options(
            Path home,
            Path work,
            long mib,
            int readers,
            double replayRate,
            double tailRate,
            int lingerMs,
            int seconds,
            int nice,
            int rounds) {}

    /** Arguments: the components of {@link Options} in their order. */
    public static void main(String[] a) throws Exception {
        Options options = new Options(
                Path.of(a[0]),
                Path.of(a[1]),
                Long.parseLong(a[2]),
                Integer.parseInt(a[3]),
                Double.parseDouble(a[4]),
                Double.parseDouble(a[5]),
                Integer.parseInt(a[6]),
                Integer.parseInt(a[7]),
                Integer.parseInt(a[8]),
                Integer.parseInt(a[9]));
        Files.createDirectories(options.work());
        new ReplayBench(options).run();
    }

    private void run() throws Exception {
        try (ServerProcess server = startServer()) {
            Workloads on = new Workloads(server);
            on.createTopic("warm", COLD_PARTITIONS, Map.of());
            on.fill("warm", 256 * MIB);
            for (int round = 1; round <= options.rounds(); round++) {
                on.createTopic("cold-" + round, COLD_PARTITIONS, Map.of());
                on.fill("cold-" + round, options.mib() * MIB);
            }
        }
        dropPageCache(options.work().resolve("data/objects"));
        try (ServerProcess server = startServer()) {
            Workloads on = new Workloads(server);
            on.createTopic("tail", TAIL_PARTITIONS, Map.of());
            replay(server, "warm", 2, 0);
            try (TailLoad tail = new TailLoad(
                    server.bootstrap(),
                    "tail",
                    TAIL_PARTITIONS,
                    (int) (options.tailRate() * MIB / RECORD_BYTES),
                    options.lingerMs())) {
                Thread.sleep(Duration.ofSeconds(options.seconds()).toMillis());
                measure(server, tail);
            }
        }
    }

    private void measure(ServerProcess server, TailLoad tail) throws Exception {
        List<Phase> quiet = new ArrayList<>();
        List<Phase> busy = new ArrayList<>();
        Activity pause = () -> Thread.sleep(options.seconds() * 1000L);
        quiet.add(phase("before", server, tail, pause));
        System.out.println(Phase.TITLE);
        quiet.get(0).print();
        for (int round = 1; round <= options.rounds(); round++) {
            String topic = "cold-" + round;
            String[] replayed = new String[1];
            Phase phase = phase(
                    "replay",
                    server,
                    tail,
                    () -> replayed[0] = replay(server, topic, options.readers(), options.replayRate()));
            busy.add(phase);
            phase.print();
            String[] fields = replayed[0].split(" ", 2);
            double readMib = Double.parseDouble(fields[0]) / MIB;
            System.out.printf(
                    Locale.ROOT,
                    "  %d readers replayed %d MiB: %.0f MiB in %s s, %.0f MiB/s; the store gave %.0f MiB%n",
                    options.readers(),
                    options.mib(),
                    readMib,
                    fields[1],
                    readMib / Double.parseDouble(fields[1]),
                    phase.storeBytes() / MIB);
            quiet.add(phase("after", server, tail, pause));
            quiet.get(round).print();
        }
        printRatios("acknowledgement", quiet, busy, phase -> phase.ack()[1]);
        printRatios("end to end", quiet, busy, phase -> phase.endToEnd()[1]);
        printRatios("produce in the server", quiet, busy, Phase::brokerP99Ms);
    }

    /** Each round's 99th percentile by the mean of those before and after, and by the one before. */
    private static void printRatios(String what, List<Phase> quiet, List<Phase> busy, ToDoubleFunction<Phase> p99) {
        List<Double> around = new ArrayList<>();
        List<Double> before = new ArrayList<>();
        for (int i = 0; i < busy.size(); i++) {
            double during = p99.applyAsDouble(busy.get(i));
            double first = p99.applyAsDouble(quiet.get(i));
            before.add(during / first);
            around.add(2 * during / (first + p99.applyAsDouble(quiet.get(i + 1))));
        }
        System.out.printf(
                Locale.ROOT,
                "%s p99 during a replay / mean of before and after: median %.2f of %s; / before: median %.2f of %s%n",
                what,
                median(around),
                texts(around),
                median(before),
                texts(before));
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.get(sorted.size() / 2);
    }

    private static String texts(List<Double> values) {
        return values.stream()
                .map(value -> String.format(Locale.ROOT, "%.2f", value))
                .collect(Collectors.joining(" "));
    }

    /** Figures of one phase; latencies are p50, p99 and p99.9 in ms. */
    private record Phase(
            String name,
            double seconds,
            double[] ack,
            double[] endToEnd,
            double brokerMeanMs,
            double brokerP99Ms,
            double serverCores,
            double otherCores,
            double storeBytes) {
        static final String TITLE = "phase        s | ack p50    p99  p99.9 ms | e2e p50    p99  p99.9 ms |"
                + " in server mean    p99 ms | cores: server, strangers";

        void print() {
            System.out.printf(
                    Locale.ROOT,
                    "%-7s %6.1f | %7.2f %6.2f %6.2f    | %7.2f %6.2f %6.2f    | %14.3f %6.2f    | %13.2f %10.2f%n",
                    name,
                    seconds,
                    ack[0],
                    ack[1],
                    ack[2],
                    endToEnd[0],
                    endToEnd[1],
                    endToEnd[2],
                    brokerMeanMs,
                    brokerP99Ms,
                    serverCores,
                    otherCores);
        }
    }

    private interface Activity {
        void run() throws Exception;
    }

    private Phase phase(String name, ServerProcess server, TailLoad tail, Activity activity) throws Exception {
        ServerMetrics before = ServerMetrics.of(httpPort);
        double cpu = server.cpuSeconds();
        double ownCpu = MachineCpu.ownSeconds();
        double allCpu = MachineCpu.allSeconds();
        long begin = System.nanoTime();
        tail.beginPhase();
        activity.run();
        TailLoad.Latencies latencies = tail.endPhase();
        double seconds = (System.nanoTime() - begin) / 1e9;
        double serverCpu = server.cpuSeconds() - cpu;
        double otherCpu = MachineCpu.allSeconds() - allCpu - (MachineCpu.ownSeconds() - ownCpu) - serverCpu;
        ServerMetrics after = ServerMetrics.of(httpPort);
        double count = after.sum(PRODUCE + "_count") - before.sum(PRODUCE + "_count");
        return new Phase(
                name,
                seconds,
                latencies.ackMs(),
                latencies.endToEndMs(),
                (after.sum(PRODUCE + "_sum") - before.sum(PRODUCE + "_sum")) / count * 1000,
                after.quantileMs(before, PRODUCE, 0.99),
                serverCpu / seconds,
                otherCpu / seconds,
                after.sum(STORE_READ) - before.sum(STORE_READ));
    }

    private String replay(ServerProcess server, String topic, int readers, double rate)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        "nice",
                        "-n",
                        Integer.toString(options.nice()),
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx512m",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ReplayClient.class.getName(),
                        server.bootstrap(),
                        topic,
                        Integer.toString(COLD_PARTITIONS),
                        Integer.toString(readers),
                        Double.toString(rate))
                .redirectError(options.work().resolve("replay.log").toFile())
                .start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("The replay failed; see " + options.work().resolve("replay.log"));
        }
        return output.strip();
    }

    private ServerProcess startServer() throws IOException, InterruptedException {
        List<String> command = List.of(
                options.home().resolve("bin/freshet").toString(),
                "up",
                "--data",
                options.work().resolve("data").toString(),
                "--port",
                Integer.toString(port),
                "--http-port",
                Integer.toString(httpPort));
        return ServerProcess.start("freshet", command, Map.of(), options.work().resolve("freshet.log"), port);
    }

    private static void dropPageCache(Path objects) throws IOException, InterruptedException {
        try (Stream<Path> files = Files.walk(objects)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                new ProcessBuilder("dd", "if=" + file, "iflag=nocache", "count=0", "status=none")
                        .start()
                        .waitFor(60, TimeUnit.SECONDS);
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
