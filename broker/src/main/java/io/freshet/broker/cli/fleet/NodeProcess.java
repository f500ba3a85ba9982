// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.fleet;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The process of one node, found again by anyone through the file {@code process} beside its configuration: the process's number
 * and when it began, so that a number used anew is never taken for it. Used by one thread at a time.
 */
public final class NodeProcess {
    private static final Duration CLOCK_TOLERANCE = Duration.ofSeconds(3);

    private final FleetNode node;
    private final List<String> launcher;
    private final Map<String, String> environment;

    /**
     * @param launcher runs {@code freshet} in its own process; {@code server FILE} is appended
     * @param environment over the one of this process
     */
    public NodeProcess(FleetNode node, List<String> launcher, Map<String, String> environment) {
        this.node = node;
        this.launcher = List.copyOf(launcher);
        this.environment = Map.copyOf(environment);
    }

    public FleetNode node() {
        return node;
    }

    /** Starts it, without waiting until it serves; INVALID if it runs. */
    public void start() {
        if (find().isPresent()) {
            throw new FreshetException(ErrorKind.INVALID, "Node " + node.id() + " runs already");
        }
        List<String> command = new ArrayList<>(launcher);
        command.add("server");
        command.add(node.propertiesFile().toString());
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(node.logFile().toFile()));
        builder.environment().putAll(environment);
        try {
            ProcessHandle handle = builder.start().toHandle();
            write(handle.pid() + " " + beginOf(handle));
        } catch (IOException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE, "Node " + node.id() + " cannot be started: " + e.getMessage(), e);
        }
    }

    /** All of it or nothing: {@code freshet up} looks at the file all the time. */
    private void write(String process) throws IOException {
        Path next = Path.of(node.processFile() + ".next");
        Files.writeString(next, process, StandardCharsets.UTF_8);
        Files.move(next, node.processFile(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** As this JVM sees it: another one may take the machine's boot, from which it is counted, for a second earlier or later. */
    private static Instant beginOf(ProcessHandle handle) {
        return handle.info().startInstant().orElse(Instant.EPOCH);
    }

    private static boolean isAbout(Instant one, Instant other) {
        return Duration.between(one, other).abs().compareTo(CLOCK_TOLERANCE) <= 0;
    }

    /** The running process; empty if there is none. */
    public Optional<ProcessHandle> find() {
        try {
            if (!Files.exists(node.processFile())) {
                return Optional.empty();
            }
            String[] words = Files.readString(node.processFile(), StandardCharsets.UTF_8)
                    .strip()
                    .split(" ", 2);
            return ProcessHandle.of(Long.parseLong(words[0]))
                    .filter(ProcessHandle::isAlive)
                    .filter(handle -> words.length == 2 && isAbout(beginOf(handle), Instant.parse(words[1])));
        } catch (IOException | NumberFormatException | DateTimeParseException e) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Cannot read " + node.processFile() + ": " + e.getMessage(), e);
        }
    }

    private ProcessHandle running() {
        return find().orElseThrow(() -> new FreshetException(ErrorKind.INVALID, "Node " + node.id() + " does not run"));
    }

    /** SIGKILL, and waits for the end; INVALID if it does not run. */
    public void kill() {
        ProcessHandle process = running();
        process.destroyForcibly();
        awaitEnd(process, Duration.ofSeconds(10));
    }

    /** SIGTERM, and waits for the clean end; SIGKILL and UNAVAILABLE when that takes longer than {@code timeout}. */
    public void stop(Duration timeout) {
        ProcessHandle process = running();
        process.destroy();
        try {
            awaitEnd(process, timeout);
        } catch (FreshetException e) {
            process.destroyForcibly();
            throw e;
        }
    }

    private void awaitEnd(ProcessHandle process, Duration timeout) {
        CompletableFuture<ProcessHandle> end = process.onExit();
        try {
            end.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Node " + node.id() + " (process " + process.pid() + ") has not ended within " + timeout.toSeconds()
                            + " s",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FreshetException(ErrorKind.UNAVAILABLE, "Interrupted while node " + node.id() + " ends", e);
        }
    }

    /** Whether it says by now that it can serve. */
    public boolean isReady() {
        try {
            HttpURLConnection connection = (HttpURLConnection)
                    URI.create("http://" + node.http() + "/readyz").toURL().openConnection();
            connection.setConnectTimeout(1000);
            connection.setReadTimeout(1000);
            try {
                return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
            } finally {
                connection.disconnect();
            }
        } catch (IOException e) {
            return false;
        }
    }
}
