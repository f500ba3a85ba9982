// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import static io.freshet.tests.bench.StoreRequest.Kind.BEGIN;
import static io.freshet.tests.bench.StoreRequest.Kind.COMPLETE;
import static io.freshet.tests.bench.StoreRequest.Kind.DELETE;
import static io.freshet.tests.bench.StoreRequest.Kind.GET;
import static io.freshet.tests.bench.StoreRequest.Kind.HEAD;
import static io.freshet.tests.bench.StoreRequest.Kind.LIST;
import static io.freshet.tests.bench.StoreRequest.Kind.PART;
import static io.freshet.tests.bench.StoreRequest.Kind.PUT;

import io.freshet.tests.bench.StoreProcess.Line;
import io.freshet.tests.bench.StoreProcess.Requests;
import io.freshet.tests.bench.StoreRequest.Kind;
import io.freshet.tests.bench.Workloads.Load;
import io.freshet.wal.s3.S3WalConfig;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Measures a server whose only log is the s3 lane: requests for each GiB by prefix and kind, latency of produce requests, requests
 * of an idle server, and what a store that stands still for a while does. Started by {@code tests/bench/s3wal.sh}.
 */
public final class S3WalBench {
    private static final Kind[] WRITES = {PUT, PART, BEGIN, COMPLETE, LIST};
    private static final Kind[] READS = {GET, HEAD};
    private static final int PARTITIONS = 16;
    private static final int PRODUCERS = 4;
    private static final Duration CLOCK_INTERVAL = Duration.ofMillis(100);
    private static final double MIB = 1 << 20;
    private static final double GIB = 1 << 30;
    /** What the incumbent asks for each GiB at 12.5 MB/s, writes and reads; the aim is half of the sum. */
    private static final double INCUMBENT_REQUESTS_PER_GIB = 283 + 273;

    private final Options options;
    private final List<String> table = new ArrayList<>();

    private S3WalBench(Options options) {
        this.options = options;
    }

    /**
     * @param home the distribution
     * @param storeClassPath class path of the S3 server
     * @param work folder for data, empty
     * @param stores of direct and latency
     * @param loads of idle, trickle, outage, and numbers of MiB/s
     * @param seconds length of each timed load
     * @param idleSeconds length of the idle measurement
     * @param lingerMs of the producers
     * @param overrides settings of the server, name=value
     */
    private record Options(
            Path home,
            String storeClassPath,
            Path work,
            List<String> stores,
            List<String> loads,
            int seconds,
            int idleSeconds,
            int lingerMs,
            List<String> overrides) {
        Map<String, String> producer() {
            return Map.of(
                    "linger.ms", Integer.toString(lingerMs), "batch.size", "131072", "max.request.size", "4194304");
        }
    }

    /** Arguments: the components of {@link Options} in their order, lists with commas. */
    public static void main(String[] a) throws Exception {
        Options options = new Options(
                Path.of(a[0]),
                a[1],
                Path.of(a[2]),
                list(a[3]),
                list(a[4]),
                Integer.parseInt(a[5]),
                Integer.parseInt(a[6]),
                Integer.parseInt(a[7]),
                list(a[8]));
        Files.createDirectories(options.work());
        S3WalBench bench = new S3WalBench(options);
        for (String store : options.stores()) {
            bench.run(store);
        }
        System.out.println();
        bench.table.forEach(System.out::println);
    }

    private static List<String> list(String text) {
        return text.isEmpty() ? List.of() : Arrays.asList(text.split(","));
    }

    private void run(String kind) throws Exception {
        Path folder = options.work().resolve(kind);
        Files.createDirectories(folder);
        try (StoreProcess store = StoreProcess.start(
                        options.storeClassPath(),
                        folder.resolve("s3"),
                        folder.resolve("s3.log"),
                        kind.equals("direct") ? 0 : 7);
                ServerProcess server = startServer(store, folder)) {
            Workloads on = new Workloads(server);
            on.createTopic("warm-up", PARTITIONS, Map.of());
            on.produceAtRate("warm-up", 8 * 1024, Duration.ofSeconds(10), PRODUCERS, options.producer());
            on.deleteTopic("warm-up");
            for (String load : options.loads()) {
                switch (load) {
                    case "idle" -> idle(kind, store);
                    case "outage" -> outage(kind, store, on);
                    default -> rate(kind, store, server.bootstrap(), on, load);
                }
            }
        }
    }

    private ServerProcess startServer(StoreProcess store, Path folder) throws IOException, InterruptedException {
        int port = ServerProcess.freePort();
        List<String> command = new ArrayList<>(List.of(
                options.home().resolve("bin/freshet").toString(),
                "up",
                "--data",
                folder.resolve("data").toString(),
                "--port",
                Integer.toString(port),
                "--http-port",
                "0",
                "--wal",
                "s3",
                "--bucket",
                store.uri()));
        options.overrides().forEach(each -> command.add("--override=" + each));
        return ServerProcess.start("freshet", command, StoreProcess.credentials(), folder.resolve("freshet.log"), port);
    }

    /** A load of {@code mibPerSecond}, or "trickle": five records a second. */
    private void rate(String kind, StoreProcess store, String bootstrap, Workloads on, String load) throws Exception {
        boolean isTrickle = load.equals("trickle");
        double wanted = isTrickle ? 5 / 1024.0 : Double.parseDouble(load);
        String topic = "rate-" + load;
        on.createTopic(topic, PARTITIONS, Map.of());
        store.reset();
        WriteClock clock = isTrickle ? null : new WriteClock(bootstrap, topic, PARTITIONS, CLOCK_INTERVAL);
        Load done = on.produceAtRate(
                topic,
                (int) Math.round(wanted * 1024),
                Duration.ofSeconds(options.seconds()),
                isTrickle ? 1 : PRODUCERS,
                options.producer());
        Requests requests = store.requests();
        Line put = requests.line("wal", PUT);
        print(kind, load, requests.text() + "; " + done.records() + " records in " + done.seconds() + " s");
        table.add(String.format(
                Locale.ROOT,
                "%-8s %-8s %6.1f MiB/s  slots %5.1f/s of %5.2f MiB  load %s",
                kind,
                isTrickle ? "trickle" : load + " MiB/s",
                done.mibPerSecond(),
                put.requests() / done.seconds(),
                put.requests() == 0 ? 0 : put.bytes() / MIB / put.requests(),
                hostLoad()));
        if (isTrickle) {
            table.add(String.format(
                    Locale.ROOT,
                    "         requests a second: %.2f; aim: at most half of 4 + 4",
                    (requests.count("wal", WRITES) + requests.count("wal", READS)) / done.seconds()));
        } else {
            requestRows(requests, done);
        }
        latencyRow(done, put, clock);
        if (clock != null) {
            clock.close();
        }
    }

    /** Objects of data are counted for the bytes that they took, since they follow the load at a distance. */
    private void requestRows(Requests requests, Load done) {
        double dataGib = requests.bytes("data", PUT, PART) / GIB;
        double walWrites = requests.count("wal", WRITES) / done.gib();
        double walReads = requests.count("wal", READS) / done.gib();
        double dataWrites = dataGib == 0 ? 0 : requests.count("data", WRITES) / dataGib;
        double dataReads = dataGib == 0 ? 0 : requests.count("data", READS) / dataGib;
        double sum = walWrites + walReads + dataWrites + dataReads;
        table.add(String.format(
                Locale.ROOT,
                "         for each GiB: wal PUT %.0f GET %.0f DELETE %.1f; data PUT %.0f GET %.0f (of %.2f GiB); meta %d in all",
                walWrites,
                walReads,
                requests.count("wal", DELETE) / done.gib(),
                dataWrites,
                dataReads,
                dataGib,
                requests.count("meta", Kind.values())));
        table.add(String.format(
                Locale.ROOT,
                "         sum %.0f; the incumbent at 12.5 MB/s %.0f; aim half of it: %s",
                sum,
                INCUMBENT_REQUESTS_PER_GIB,
                met(sum <= INCUMBENT_REQUESTS_PER_GIB / 2)));
    }

    /**
     * A client that has its five requests on their way keeps further records to itself: what the lane adds is seen by one that
     * sends single records beside it.
     */
    private void latencyRow(Load done, Line put, @Nullable WriteClock clock) {
        int ageMs = S3WalConfig.Batching.DEFAULT.maxAgeMs();
        for (String override : options.overrides()) {
            if (override.startsWith("wal.s3.batch.age.max.ms=")) {
                ageMs = Integer.parseInt(override.substring(override.indexOf('=') + 1));
            }
        }
        double bound = ageMs + 1.5 * put.p99Ms();
        double p99 = done.figures().getOrDefault("p99 ms", Double.NaN);
        table.add(String.format(
                Locale.ROOT,
                "         the store's PUT p50 %.0f ms, p99 %.0f ms; aim p99 <= %d + 1.5 x PUT p99 = %.0f ms",
                put.p50Ms(),
                put.p99Ms(),
                ageMs,
                bound));
        if (clock != null) {
            table.add(String.format(
                    Locale.ROOT,
                    "         a single record p50 %.0f ms, p99 %.0f ms: %s",
                    clock.latencyMs(50),
                    clock.latencyMs(99),
                    met(clock.latencyMs(99) <= bound)));
        }
        table.add(String.format(
                Locale.ROOT,
                "         from send to acknowledgement in the loading client p50 %.0f ms, p99 %.0f ms: %s",
                done.figures().get("p50 ms"),
                p99,
                met(p99 <= bound)));
    }

    /** Everything has been uploaded and tidied up before it begins: two upload intervals and a grace period. */
    private void idle(String kind, StoreProcess store) throws Exception {
        Thread.sleep(Duration.ofSeconds(80).toMillis());
        store.reset();
        Thread.sleep(Duration.ofSeconds(options.idleSeconds()).toMillis());
        Requests requests = store.requests();
        long all = requests.lines().stream().mapToLong(Line::requests).sum();
        print(kind, "idle", requests.text());
        table.add(String.format(
                Locale.ROOT,
                "%-8s idle     %.3f requests/s in %d s (%s); aim none under wal/: %s",
                kind,
                all / (double) options.idleSeconds(),
                options.idleSeconds(),
                requests.text(),
                met(requests.count("wal", PUT, GET, HEAD) == 0)));
    }

    /** The store stands still for 20 s under 10 MiB/s; all that was acknowledged is there once afterwards. */
    private void outage(String kind, StoreProcess store, Workloads on) throws Exception {
        on.createTopic("outage", PARTITIONS, Map.of());
        Thread pause = new Thread(() -> {
            try {
                Thread.sleep(5_000);
                store.pause();
                Thread.sleep(20_000);
                store.resume();
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException("The store could not be paused", e);
            }
        });
        pause.start();
        Load done = on.produceAtRate("outage", 10 * 1024, Duration.ofSeconds(35), PRODUCERS, options.producer());
        pause.join();
        int[] seen = on.countNumbers("outage", PARTITIONS, done.records());
        long lost = Arrays.stream(seen).filter(times -> times == 0).count();
        long twice = Arrays.stream(seen).filter(times -> times > 1).count();
        table.add(String.format(
                Locale.ROOT,
                "%-8s outage   the store stood still for 20 s under 10 MiB/s: %d records acknowledged, longest wait p99.9"
                        + " %.0f ms, lost %d, twice %d: %s",
                kind,
                done.records(),
                done.figures().get("p99.9 ms"),
                lost,
                twice,
                met(lost == 0 && twice == 0)));
    }

    private static String met(boolean isMet) {
        return isMet ? "met" : "MISSED";
    }

    private static void print(String store, String load, String text) {
        System.out.printf(Locale.ROOT, "%s %s: %s (load %s)%n", store, load, text, hostLoad());
    }

    private static String hostLoad() {
        return String.format(
                Locale.ROOT,
                "%.1f",
                ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }
}
