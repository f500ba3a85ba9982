// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** {@code bin/freshet up} of the packaged distribution in a process of its own. Used by one thread. */
final class FreshetProcess implements AutoCloseable {
    private static final long START_TIMEOUT_SECONDS = 60;

    private final Path data;
    private final int port;
    private final Map<String, String> environment;
    private final List<String> options;
    private List<String> launcher = List.of();
    private Process process;
    private long readyNanos;

    private FreshetProcess(Path data, int port, Map<String, String> environment, List<String> options) {
        this.data = data;
        this.environment = Map.copyOf(environment);
        this.port = port;
        this.options = options;
    }

    /** Starts a server on {@code data} and a free port, and waits for its welcome. */
    static FreshetProcess start(Path data, String... options) throws IOException, InterruptedException {
        return start(data, Map.of(), options);
    }

    /** The same with more environment variables. */
    static FreshetProcess start(Path data, Map<String, String> environment, String... options)
            throws IOException, InterruptedException {
        FreshetProcess server = new FreshetProcess(data, freePort(), environment, List.of(options));
        server.start();
        return server;
    }

    /** The same, started by {@code launcher}, a command that runs what follows it in its own process. */
    static FreshetProcess startBy(List<String> launcher, Path data, Map<String, String> environment, String... options)
            throws IOException, InterruptedException {
        FreshetProcess server = new FreshetProcess(data, freePort(), environment, List.of(options));
        server.launcher = launcher;
        server.start();
        return server;
    }

    /** The unpacked distribution that the build made. */
    static Path distribution() {
        String configured = System.getProperty("freshet.dist");
        if (configured != null && !configured.isEmpty()) {
            return Path.of(configured);
        }
        try (Stream<Path> outer = Files.list(Path.of("..", "bin", "target"))) {
            Path made = outer.filter(Files::isDirectory)
                    .filter(folder -> folder.getFileName().toString().startsWith("freshet-"))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("No distribution; run mvn package first"));
            try (Stream<Path> inner = Files.list(made)) {
                return inner.findFirst().orElseThrow().toAbsolutePath().normalize();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("No distribution; run mvn package first", e);
        }
    }

    /** Starts again, on the same data and port. */
    void start() throws IOException, InterruptedException {
        long begin = System.nanoTime();
        List<String> command = new ArrayList<>(launcher);
        command.addAll(List.of(
                distribution().resolve("bin/freshet").toString(),
                "up",
                "--data",
                data.toString(),
                "--port",
                Integer.toString(port),
                "--http-port",
                "0"));
        command.addAll(options);
        Path errors = errors();
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()));
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().putAll(Map.of("KAFKA_HEAP_OPTS", "-Xms256m -Xmx768m -XX:MaxDirectMemorySize=2500m"));
        builder.environment().putAll(environment);
        process = builder.start();
        BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line = output.readLine();
        while (line != null && !line.contains("is up")) {
            line = output.readLine();
        }
        readyNanos = System.nanoTime() - begin;
        if (line == null) {
            process.waitFor(START_TIMEOUT_SECONDS, TimeUnit.SECONDS);
            throw new IOException("The server did not come up; its log says:\n" + Files.readString(errors));
        }
    }

    /** Where the server's standard error goes. */
    Path errors() {
        return data.resolveSibling(data.getFileName() + ".log");
    }

    int port() {
        return port;
    }

    /** Ctrl-C, and waits for the end; returns the exit code. */
    int interrupt() throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
        return awaitEnd();
    }

    /** Waits until the process has ended; returns its exit code. */
    int awaitEnd() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
            throw new IllegalStateException("The server did not end within 60 s");
        }
        return process.exitValue();
    }

    String bootstrap() {
        return "localhost:" + port;
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Milliseconds from the start of the process to its welcome. */
    long readyMs() {
        return TimeUnit.NANOSECONDS.toMillis(readyNanos);
    }

    /** SIGKILL: no word of warning. */
    void kill9() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** SIGTERM, and waits for the clean end; returns the exit code. */
    int stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
            throw new IllegalStateException("The server did not stop within 60 s of SIGTERM");
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        List<ProcessHandle> nodes = process.descendants().toList(); // of a fleet
        process.destroyForcibly();
        nodes.forEach(ProcessHandle::destroyForcibly);
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
