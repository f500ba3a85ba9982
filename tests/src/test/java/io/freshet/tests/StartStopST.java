// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the packaged server starts, refuses to start, and stops: messages and exit codes. */
class StartStopST {
    private static final String SMALL_WAL = "wal.capacity.bytes=67108864";
    private static final String NODE_ID = "739117";

    @TempDir
    Path folder;

    @BeforeAll
    static void recordTheClassArchive() throws Exception {
        // The first start of a distribution records it; done here, no other start says so on its standard error.
        Command.run(60, Map.of(), "freshet", "up", "--override", "no.such.key=1");
    }

    @Test
    void ctrlCStopsCleanlyWhileASecondStartIsRefused() throws Exception {
        try (FreshetProcess server =
                FreshetProcess.startBy(List.of("env", "--default-signal=INT"), data(), Map.of(), small())) {
            Command second = up(data());
            assertRefused(second, "is in use by another process; stop that one first");

            Command samePort = up(folder.resolve("other"), "--port", Integer.toString(server.port()));
            assertRefused(samePort, "cannot bind localhost:" + server.port());

            long begin = System.nanoTime();
            assertThat(server.interrupt()).isEqualTo(130);
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
            assertThat(Files.readString(server.errors())).doesNotContain("Exception", "\tat ", "WARN", "ERROR");
            assertThat(Files.readString(server.errors()).stripTrailing()).endsWith("Stopped");
        }
    }

    @Test
    void aTakenHttpPortIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("localhost"))) {
            Command refused = up(data(), "--http-port", Integer.toString(taken.getLocalPort()));
            assertRefused(refused, "HTTP cannot bind localhost:" + taken.getLocalPort());
        }
    }

    @Test
    void anUnknownKeyGetsTheNearestOne() throws Exception {
        assertRefused(
                up(data(), "--override", "log.retention.hour=3"),
                "'log.retention.hour' is not a configuration key; did you mean 'log.retention.hours'?");
    }

    @Test
    void aWalThatCannotBeFilledIsGivenBack() throws Exception {
        List<String> command = new ArrayList<>(limited(40, Command.script("freshet"), "up"));
        command.addAll(List.of("--data", data().toString(), "--port", "0", "--http-port", "0"));
        Command refused = Command.exec(30, Map.of(), command);
        Path wal = data().resolve("wal/block.wal");
        assertRefused(
                refused,
                "The WAL " + wal + " needs ",
                " more bytes, which could not all be written (java.io.IOException: File too large)",
                " free at first",
                "free some space, raise this user's quota or limit of file sizes, put the WAL elsewhere, or configure a smaller one");
        assertThat(wal).doesNotExist();
        try (FreshetProcess server = FreshetProcess.startBy(limited(40), data(), Map.of(), "--wal", "s3")) {
            assertThat(server.stop()).as("a lane that needs no such file").isEqualTo(143);
        }
        try (FreshetProcess server = FreshetProcess.start(data(), small())) {
            assertThat(server.stop()).as("with room").isEqualTo(143);
        }
    }

    @Test
    void aDiskWithoutRoomForTheWalIsExplained() throws Exception {
        long wanted = 1L << 50;
        Command refused = up(
                data(), "--override", "wal.capacity.bytes=" + wanted, "--override", "cache.tail.bytes=" + 2 * wanted);
        assertRefused(
                refused,
                "The WAL " + data().resolve("wal/block.wal") + " needs " + wanted + " more bytes",
                "its file system has only ",
                " free: free some space, put the WAL elsewhere, or configure a smaller one");
        assertThat(data().resolve("wal/block.wal")).doesNotExist();
    }

    @Test
    void theProcessOutlivesAWalThatFails() throws Exception {
        try (FreshetProcess server = FreshetProcess.start(data(), small())) {
            assertThat(server.stop()).isEqualTo(143);
        }
        try (FreshetProcess server = FreshetProcess.startBy(limited(16), data(), Map.of(), small())) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic("t", 1, Map.of());
            try (KafkaProducer<byte[], byte[]> producer = clients.producer(Map.of(
                    ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                    "5000",
                    ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG,
                    "2000",
                    ProducerConfig.LINGER_MS_CONFIG,
                    "0"))) {
                List<Future<RecordMetadata>> sent = new ArrayList<>();
                for (int i = 0; i < 40; i++) {
                    sent.add(producer.send(new ProducerRecord<>("t", 0, null, new byte[900_000])));
                }
                assertThatThrownBy(() -> sent.get(sent.size() - 1).get()).isInstanceOf(ExecutionException.class);
            }
            assertThat(server.isAlive()).isTrue();
            assertThat(Files.readString(server.errors())).contains("nothing more is acknowledged on it");
        }
        try (FreshetProcess server = FreshetProcess.start(data(), small())) {
            assertThat(server.stop()).isEqualTo(143);
        }
    }

    @Test
    void anObjectStoreThatCannotBeUsedIsExplained() throws Exception {
        try (S3Server s3 = S3Server.start(folder.resolve("s3"), "here")) {
            assertRefused(
                    up(s3.credentials(), data(), "--bucket", s3.uri("elsewhere")),
                    "s3://elsewhere",
                    "check that the bucket exists");
            assertRefused(
                    up(
                            Map.of("AWS_ACCESS_KEY_ID", "access", "AWS_SECRET_ACCESS_KEY", "wrong"),
                            data(),
                            "--bucket",
                            s3.uri("here")),
                    "check the credentials");
        }
        // Bound, and not listening: nobody else is given the port, neither a listener nor a connection to itself.
        try (Socket held = new Socket()) {
            held.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            String nowhere =
                    "s3://here?endpoint=http://127.0.0.1:" + held.getLocalPort() + "&region=us-east-1&pathStyle=true";
            assertRefused(
                    up(Map.of("AWS_ACCESS_KEY_ID", "a", "AWS_SECRET_ACCESS_KEY", "b"), data(), "--bucket", nowhere),
                    "Connection refused",
                    "check the endpoint and the network");
        }
    }

    @Test
    void kafkasOwnScriptsFormatStartAndStop() throws Exception {
        Path properties = folder.resolve("server.properties");
        int port = FreshetProcess.freePort();
        Files.writeString(
                properties,
                String.join(
                        "\n",
                        "process.roles=broker,controller",
                        "node.id=" + NODE_ID,
                        "controller.quorum.bootstrap.servers=localhost:9093",
                        "controller.listener.names=CONTROLLER",
                        "listeners=PLAINTEXT://localhost:" + port + ",CONTROLLER://localhost:0",
                        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
                        "log.dirs=" + data(),
                        "http.listener=",
                        SMALL_WAL,
                        ""));
        String file = properties.toString();
        assertRefused(
                Command.run(30, Map.of(), "freshet-server-start.sh", file),
                "is not formatted; run bin/kafka-storage.sh format");
        assertThat(data()).doesNotExist();

        String id = Command.run(30, Map.of(), "kafka-storage.sh", "random-uuid")
                .output()
                .strip();
        assertThat(id).hasSize(22);
        assertThat(Command.run(30, Map.of(), "kafka-storage.sh", "format", "-t", id, "-c", file)
                        .code())
                .isZero();
        assertThat(Command.run(30, Map.of(), "kafka-storage.sh", "info", "-c", file)
                        .output())
                .contains(id, NODE_ID);

        Path logs = folder.resolve("logs");
        Command started =
                Command.run(30, Map.of("LOG_DIR", logs.toString()), "freshet-server-start.sh", "-daemon", file);
        assertThat(started.code()).isZero();
        long pid = Long.parseLong(started.output().replaceAll("(?s).*pid (\\d+);.*", "$1"));
        try {
            Path said = logs.resolve("freshet.out");
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> Files.readString(said).contains("Ready: node " + NODE_ID));
            Command stopped = Command.run(30, Map.of(), "freshet-server-stop.sh", "--node-id=" + NODE_ID);
            assertThat(stopped.code()).as(stopped.toString()).isZero();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> Files.readString(said).contains("Stopped"));
        } finally {
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    @Test
    void theNewestSupportedJdkRunsTheServer() throws Exception {
        Optional<Path> jdk = findJdk("25");
        if (jdk.isEmpty()) {
            System.out.println(
                    "No JDK 25 beside " + System.getProperty("java.home") + ": not checked that it runs the server");
            return;
        }
        Map<String, String> environment = Map.of("JAVA_HOME", jdk.get().toString());
        Command.run(60, environment, "freshet", "up", "--override", "no.such.key=1");
        try (FreshetProcess server = FreshetProcess.start(data(), environment, small())) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic("t", 1, Map.of());
            try (KafkaProducer<byte[], byte[]> producer = clients.producer(Map.of())) {
                assertThat(producer.send(new ProducerRecord<>("t", new byte[10]))
                                .get()
                                .offset())
                        .isZero();
            }
            assertThat(server.stop()).isEqualTo(143);
            assertThat(Files.readString(server.errors())).doesNotContain("WARN", "ERROR", "Exception");
        }
    }

    private static Optional<Path> findJdk(String version) throws IOException {
        try (Stream<Path> beside =
                Files.list(Path.of(System.getProperty("java.home")).toRealPath().getParent())) {
            return beside.filter(home -> Files.isExecutable(home.resolve("bin/java")))
                    .filter(home -> release(home).contains("JAVA_VERSION=\"" + version))
                    .findFirst();
        }
    }

    private static String release(Path home) {
        try {
            return Files.readString(home.resolve("release"));
        } catch (IOException e) {
            return "";
        }
    }

    /** Exit code 1 and one line that says all. */
    private static void assertRefused(Command command, String... reasons) {
        assertThat(command.code()).as(command.toString()).isEqualTo(1);
        assertThat(command.errors().lines().filter(line -> !line.contains(" INFO ")))
                .as(command.toString())
                .singleElement()
                .asString()
                .startsWith("freshet: ")
                .contains(reasons);
    }

    /** A launcher under which no file may grow beyond so many MiB. */
    private static List<String> limited(int mebibytes, String... command) {
        List<String> all =
                new ArrayList<>(List.of("bash", "-c", "ulimit -f " + mebibytes * 1024 + "; exec \"$@\"", "limited"));
        all.addAll(Arrays.asList(command));
        return all;
    }

    private Path data() {
        return folder.resolve("data");
    }

    private static String[] small() {
        return new String[] {"--override", SMALL_WAL};
    }

    private static Command up(Path data, String... options) throws IOException, InterruptedException {
        return up(Map.of(), data, options);
    }

    private static Command up(Map<String, String> environment, Path data, String... options)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Command.script("freshet"), "up", "--data", data.toString()));
        List<String> given = Arrays.asList(options);
        for (String port : List.of("--port", "--http-port")) {
            if (!given.contains(port)) {
                command.addAll(List.of(port, "0"));
            }
        }
        command.addAll(List.of("--override", SMALL_WAL));
        command.addAll(given);
        return Command.exec(45, environment, command);
    }
}
