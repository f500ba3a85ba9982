// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Measures what a replay of cold data by several readers does to the tail: produce and end-to-end latency of a steady load
 * before, during and after it, in one run. Started by {@code tests/bench/replay.sh}.
 */
public final class ReplayBench {
    private static final int COLD_PARTITIONS = 4;
    private static final int TAIL_PARTITIONS = 16;
    private static final int RECORD_BYTES = 1024;
    private static final long MIB = 1 << 20;

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
            int nice) {}

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
                Integer.parseInt(a[8]));
        Files.createDirectories(options.work());
        new ReplayBench(options).run();
    }

    private void run() throws Exception {
        try (ServerProcess server = startServer()) {
            Workloads on = new Workloads(server);
            on.createTopic("cold", COLD_PARTITIONS, Map.of());
            on.createTopic("warm", COLD_PARTITIONS, Map.of());
            on.fill("cold", options.mib() * MIB);
            on.fill("warm", 256 * MIB);
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
                Thread.sleep(
                        Duration.ofSeconds(Math.max(5, options.seconds() / 2)).toMillis());
                measure(server, tail);
            }
        }
    }

    private void measure(ServerProcess server, TailLoad tail) throws Exception {
        List<Phase> phases = new ArrayList<>();
        phases.add(phase("before", server, tail, () -> Thread.sleep(options.seconds() * 1000L)));
        String[] replayed = new String[1];
        phases.add(phase(
                "replay",
                server,
                tail,
                () -> replayed[0] = replay(server, "cold", options.readers(), options.replayRate())));
        phases.add(phase("after", server, tail, () -> Thread.sleep(options.seconds() * 1000L)));
        String[] fields = replayed[0].split(" ", 2);
        double readMib = Double.parseDouble(fields[0]) / MIB;
        System.out.printf(
                Locale.ROOT,
                "%n%d readers replayed %d MiB: %.0f MiB in %s s, %.0f MiB/s; the store gave %.0f MiB%n",
                options.readers(),
                options.mib(),
                readMib,
                fields[1],
                readMib / Double.parseDouble(fields[1]),
                phases.get(1).storeBytes() / MIB);
        System.out.printf(
                "%-8s %7s %12s %12s %12s %12s %12s %12s %14s %9s%n",
                "phase",
                "s",
                "ack p50 ms",
                "ack p99",
                "ack p99.9",
                "e2e p50 ms",
                "e2e p99",
                "e2e p99.9",
                "broker mean ms",
                "CPU cores");
        phases.forEach(Phase::print);
        System.out.printf(
                Locale.ROOT,
                "during ÷ before: ack p99 %.2f, end to end p99 %.2f; during ÷ mean of before and after: %.2f, %.2f%n",
                phases.get(1).ack()[1] / phases.get(0).ack()[1],
                phases.get(1).endToEnd()[1] / phases.get(0).endToEnd()[1],
                phases.get(1).ack()[1]
                        * 2
                        / (phases.get(0).ack()[1] + phases.get(2).ack()[1]),
                phases.get(1).endToEnd()[1]
                        * 2
                        / (phases.get(0).endToEnd()[1] + phases.get(2).endToEnd()[1]));
    }

    /** Figures of one phase; latencies are p50, p99 and p99.9 in ms. */
    private record Phase(
            String name,
            double seconds,
            double[] ack,
            double[] endToEnd,
            double brokerMeanMs,
            double cores,
            double storeBytes) {
        void print() {
            System.out.printf(
                    Locale.ROOT,
                    "%-8s %7.1f %12.2f %12.2f %12.2f %12.2f %12.2f %12.2f %14.3f %9.2f%n",
                    name,
                    seconds,
                    ack[0],
                    ack[1],
                    ack[2],
                    endToEnd[0],
                    endToEnd[1],
                    endToEnd[2],
                    brokerMeanMs,
                    cores);
        }
    }

    private interface Activity {
        void run() throws Exception;
    }

    private Phase phase(String name, ServerProcess server, TailLoad tail, Activity activity) throws Exception {
        double cpu = server.cpuSeconds();
        double requests = metric("freshet_network_requests_seconds_count{api=\"Produce\"");
        double inRequests = metric("freshet_network_requests_seconds_sum{api=\"Produce\"");
        double store = metric("freshet_objectstore_bytes_total{op=\"read\"");
        long begin = System.nanoTime();
        tail.beginPhase();
        activity.run();
        TailLoad.Latencies latencies = tail.endPhase();
        double seconds = (System.nanoTime() - begin) / 1e9;
        double count = metric("freshet_network_requests_seconds_count{api=\"Produce\"") - requests;
        return new Phase(
                name,
                seconds,
                latencies.ackMs(),
                latencies.endToEndMs(),
                (metric("freshet_network_requests_seconds_sum{api=\"Produce\"") - inRequests) / count * 1000,
                (server.cpuSeconds() - cpu) / seconds,
                metric("freshet_objectstore_bytes_total{op=\"read\"") - store);
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

    private double metric(String name) throws IOException, InterruptedException {
        URI uri = URI.create("http://localhost:" + httpPort + "/metrics");
        String text = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
                .body();
        return text.lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
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
