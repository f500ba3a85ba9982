// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.cluster;

import io.freshet.tests.bench.WriteClock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Adds a broker to a cluster of three and gives it half or all of the partitions of a filled topic; kills one of three brokers. Freshet and
 * Apache Kafka in turn, with the same clients. Prints both and their ratios; it is a measurement, never a gate.
 *
 * <p>Arguments: the unpacked distribution, a folder with Kafka's jars, a folder to work in, GiB and partitions of the filled topic, rounds of kills, servers
 * ({@code all} or a comma list of {@code kafka}, {@code freshet}), Kafka's session timeout in ms (0: its own), what moves ({@code half} or {@code all}).
 */
public final class ClusterBench {
    private static final String TOPIC = "filled";
    private static final String KILLED = "killed";
    private static final int KILLED_PARTITIONS = 99;
    private static final int RECORD_BYTES = 16_384;
    private static final int PATTERN_BYTES =
            512; // repeated: a file system that compresses holds a large topic in little room
    private static final int BATCH_BYTES = 1 << 20;
    private static final long GIB = 1L << 30;
    private static final Duration CALM = Duration.ofSeconds(10);

    private final double gib;
    private final int partitions;
    private final int rounds;
    private final boolean movesAll;
    private final Map<String, Map<String, Double>> figures = new LinkedHashMap<>();

    private ClusterBench(double gib, int partitions, int rounds, boolean movesAll) {
        this.gib = gib;
        this.partitions = partitions;
        this.rounds = rounds;
        this.movesAll = movesAll;
    }

    public static void main(String[] arguments) throws Exception {
        Path work = Path.of(arguments[2]).toAbsolutePath();
        ClusterBench bench = new ClusterBench(
                Double.parseDouble(arguments[3]),
                Integer.parseInt(arguments[4]),
                Integer.parseInt(arguments[5]),
                arguments[8].equals("all"));
        String servers = arguments[6];
        int sessionMs = Integer.parseInt(arguments[7]);
        for (String kind : List.of("freshet", "kafka")) {
            if (servers.equals("all") || List.of(servers.split(",", -1)).contains(kind)) {
                Path folder = Files.createDirectories(work.resolve(kind));
                try (Nodes nodes = kind.equals("kafka")
                        ? new KafkaNodes(Path.of(arguments[1]), folder, "-Xms256m -Xmx1g", sessionMs)
                        : new FreshetNodes(
                                Path.of(arguments[0]).toAbsolutePath(),
                                folder,
                                "-Xms256m -Xmx512m -XX:MaxDirectMemorySize=512m")) {
                    bench.measure(nodes);
                }
                delete(folder);
            }
        }
        bench.report();
    }

    private void measure(Nodes nodes) throws Exception {
        for (int id = 1; id <= Nodes.VOTERS; id++) {
            nodes.start(id);
        }
        try (ClusterAdmin admin = new ClusterAdmin(nodes.bootstrap())) {
            admin.awaitBrokers(Nodes.VOTERS);
            if (rounds > 0) {
                kill(nodes, admin);
            }
            expand(nodes, admin);
        }
    }

    private void kill(Nodes nodes, ClusterAdmin admin) throws Exception {
        admin.create(KILLED, replicasOnAll(), Map.of("min.insync.replicas", "2"));
        List<Long> worst = new ArrayList<>();
        List<Long> median = new ArrayList<>();
        try (WriteClock clock = new WriteClock(nodes.bootstrap(), KILLED, KILLED_PARTITIONS, Duration.ofMillis(50))) {
            for (int round = 0; round < rounds; round++) {
                admin.awaitBrokers(Nodes.VOTERS);
                admin.awaitPreferred(KILLED);
                clock.mark();
                clock.awaitAll();
                int victim = admin.otherThanController();
                clock.mark();
                nodes.kill(victim);
                clock.awaitAll();
                List<Long> times = IntStream.range(0, KILLED_PARTITIONS)
                        .filter(partition -> leaderOf(partition) == victim)
                        .mapToObj(clock::firstMs)
                        .sorted()
                        .toList();
                worst.add(times.get(times.size() - 1));
                median.add(times.get(times.size() / 2));
                System.out.printf(
                        "%s: kill -9 of broker %d, which led %d partitions: no writes for %d ms (median), %d ms (longest)%n",
                        nodes.kind(), victim, times.size(), median.get(round), worst.get(round));
                nodes.start(victim);
            }
            admin.awaitBrokers(Nodes.VOTERS);
            admin.awaitPreferred(KILLED);
        }
        note(nodes, "kill -9: median partition takes no writes, ms", middle(median));
        note(nodes, "kill -9: last partition takes no writes, ms", middle(worst));
    }

    private static int leaderOf(int partition) {
        return partition % Nodes.VOTERS + 1;
    }

    private static List<List<Integer>> replicasOnAll() {
        return IntStream.range(0, KILLED_PARTITIONS)
                .mapToObj(partition -> IntStream.range(0, Nodes.VOTERS)
                        .mapToObj(i -> leaderOf(partition + i))
                        .toList())
                .toList();
    }

    private void expand(Nodes nodes, ClusterAdmin admin) throws Exception {
        admin.create(
                TOPIC,
                IntStream.range(0, partitions)
                        .mapToObj(partition -> List.of(leaderOf(partition)))
                        .toList(),
                Map.of());
        fill(nodes);
        try (WriteClock clock =
                new WriteClock(nodes.bootstrap(), TOPIC, partitions, Duration.ofMillis(Math.max(100, partitions)))) {
            clock.awaitAll();
            clock.mark();
            Thread.sleep(CALM.toMillis());
            note(nodes, "write p99 before, ms", clock.latencyMs(99));
            long begin = System.nanoTime();
            nodes.start(Nodes.COUNT);
            admin.awaitBrokers(Nodes.COUNT);
            note(nodes, "a new broker has joined, s", secondsSince(begin));
            double before = mibIn(nodes.folder(Nodes.COUNT));
            List<Integer> moved = IntStream.range(0, partitions)
                    .filter(i -> movesAll || i % 2 == 0)
                    .boxed()
                    .toList();
            clock.mark();
            long moving = System.nanoTime();
            admin.moveTo(TOPIC, moved, Nodes.COUNT);
            note(
                    nodes,
                    movesAll ? "all partitions have moved, s" : "half of the partitions have moved, s",
                    secondsSince(moving));
            clock.awaitAll();
            note(nodes, "write p99 meanwhile, ms", clock.latencyMs(99));
            note(nodes, "longest write meanwhile, ms", clock.latencyMs(100));
            note(nodes, "MiB that the new broker's disk took", mibIn(nodes.folder(Nodes.COUNT)) - before);
        }
    }

    private void fill(Nodes nodes) {
        long records = (long) (gib * GIB / RECORD_BYTES);
        byte[] pattern = new byte[PATTERN_BYTES];
        new Random(1).nextBytes(pattern);
        byte[] value = new byte[RECORD_BYTES];
        for (int at = 0; at < RECORD_BYTES; at += PATTERN_BYTES) {
            System.arraycopy(pattern, 0, value, at, PATTERN_BYTES);
        }
        long begin = System.nanoTime();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of(
                        "bootstrap.servers",
                        nodes.bootstrap(),
                        "acks",
                        "all",
                        "batch.size",
                        Integer.toString(BATCH_BYTES),
                        "linger.ms",
                        "50",
                        "max.request.size",
                        Integer.toString(4 * BATCH_BYTES),
                        "buffer.memory",
                        "134217728"),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            int run = BATCH_BYTES / RECORD_BYTES
                    - 1; // what fits a batch goes to one partition: small batches would make a large topic slow to fill
            for (long i = 0; i < records; i++) {
                producer.send(new ProducerRecord<>(TOPIC, (int) (i / run % partitions), null, value));
            }
            producer.flush();
        }
        System.out.printf(Locale.ROOT, "%s: %.1f GiB written in %.0f s%n", nodes.kind(), gib, secondsSince(begin));
    }

    private void note(Nodes nodes, String figure, double value) {
        System.out.printf(Locale.ROOT, "%s: %s: %.2f%n", nodes.kind(), figure, value);
        figures.computeIfAbsent(figure, name -> new TreeMap<>()).put(nodes.kind(), value);
    }

    private void report() {
        System.out.printf("%n| figure | Kafka | Freshet | Freshet ÷ Kafka |%n|---|---|---|---|%n");
        figures.forEach((figure, byKind) -> {
            Double kafka = byKind.get("kafka");
            Double freshet = byKind.get("freshet");
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %s | %s | %s |%n",
                    figure,
                    kafka == null ? "–" : String.format(Locale.ROOT, "%.2f", kafka),
                    freshet == null ? "–" : String.format(Locale.ROOT, "%.2f", freshet),
                    kafka == null || freshet == null ? "–" : String.format(Locale.ROOT, "%.4f", freshet / kafka));
        });
    }

    private static double middle(List<Long> values) {
        List<Long> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        return sorted.get(sorted.size() / 2);
    }

    private static double secondsSince(long beginNanos) {
        return (System.nanoTime() - beginNanos) / (double) TimeUnit.SECONDS.toNanos(1);
    }

    /** What a folder takes on the disk: Kafka's indexes are files with holes. */
    private static double mibIn(Path folder) throws IOException {
        Process du = new ProcessBuilder("du", "-sk", folder.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String answer = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return Long.parseLong(answer.split("\\s", 2)[0]) / 1024.0;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
