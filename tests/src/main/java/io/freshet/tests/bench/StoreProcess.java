// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An S3 server behind a {@link StoreProxy}, in a process of its own. Used by one thread. */
public final class StoreProcess implements AutoCloseable {
    private static final String BUCKET = "bench";

    private final Process process;
    private final int port;

    private StoreProcess(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /**
     * @param classPath of the tests, with the S3 server
     * @param latencySeed 0 for no latency
     */
    public static StoreProcess start(String classPath, Path folder, Path log, long latencySeed) throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx768m",
                        "-cp",
                        classPath,
                        "io.freshet.tests.S3ServerProcess",
                        folder.toString(),
                        BUCKET,
                        Long.toString(latencySeed))
                .redirectError(log.toFile())
                .start();
        BufferedReader output =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line = output.readLine();
        while (line != null && !line.startsWith("port ")) {
            line = output.readLine();
        }
        if (line == null) {
            process.destroyForcibly();
            throw new IOException("The S3 server did not start; see " + log);
        }
        return new StoreProcess(process, Integer.parseInt(line.substring("port ".length())));
    }

    public int port() {
        return port;
    }

    String uri() {
        return uriAt(port);
    }

    /** The same bucket through a proxy on {@code proxyPort}. */
    String uriAt(int proxyPort) {
        return uriAt("127.0.0.1", proxyPort);
    }

    /** The same, at another address of this machine. */
    public String uriAt(String proxyHost, int proxyPort) {
        return "s3://" + BUCKET + "?endpoint=http://" + proxyHost + ":" + proxyPort
                + "&region=us-east-1&pathStyle=true";
    }

    /** Environment variables that name its keys. */
    public static Map<String, String> credentials() {
        return Map.of("AWS_ACCESS_KEY_ID", "access", "AWS_SECRET_ACCESS_KEY", "secretsecret");
    }

    /** Requests since the last reset. */
    Requests requests() throws IOException, InterruptedException {
        return ask("counts");
    }

    /** The same, and begins anew. */
    Requests reset() throws IOException, InterruptedException {
        return ask("reset");
    }

    private Requests ask(String what) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + port + "/-/" + what);
        String text = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .build()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
                .body();
        List<Line> lines = new ArrayList<>();
        text.lines()
                .map(line -> line.split(" "))
                .forEach(f -> lines.add(new Line(
                        f[0],
                        StoreRequest.Kind.valueOf(f[1]),
                        Long.parseLong(f[2]),
                        Long.parseLong(f[3]),
                        Long.parseLong(f[4]),
                        Double.parseDouble(f[5]),
                        Double.parseDouble(f[6]))));
        return new Requests(lines);
    }

    /** Requests of one kind under one prefix; refused ones are among the requests. */
    record Line(
            String prefix,
            StoreRequest.Kind kind,
            long requests,
            long refused,
            long bytes,
            double p50Ms,
            double p99Ms) {}

    /** What the store was asked for in some time. */
    record Requests(List<Line> lines) {
        long count(String prefix, StoreRequest.Kind... kinds) {
            List<StoreRequest.Kind> wanted = List.of(kinds);
            return lines.stream()
                    .filter(line -> line.prefix.equals(prefix) && wanted.contains(line.kind))
                    .mapToLong(Line::requests)
                    .sum();
        }

        long bytes(String prefix, StoreRequest.Kind... kinds) {
            List<StoreRequest.Kind> wanted = List.of(kinds);
            return lines.stream()
                    .filter(line -> line.prefix.equals(prefix) && wanted.contains(line.kind))
                    .mapToLong(Line::bytes)
                    .sum();
        }

        Line line(String prefix, StoreRequest.Kind kind) {
            return lines.stream()
                    .filter(line -> line.prefix.equals(prefix) && line.kind == kind)
                    .findFirst()
                    .orElse(new Line(prefix, kind, 0, 0, 0, 0, 0));
        }

        String text() {
            StringBuilder text = new StringBuilder();
            lines.forEach(line -> text.append(text.isEmpty() ? "" : ", ")
                    .append(line.prefix)
                    .append(' ')
                    .append(line.kind)
                    .append(' ')
                    .append(line.requests)
                    .append(line.refused > 0 ? " (" + line.refused + " refused)" : ""));
            return text.isEmpty() ? "none" : text.toString();
        }
    }

    /** Stops the process where it stands (SIGSTOP): connections stay open and nothing answers. */
    void pause() throws IOException, InterruptedException {
        signal("STOP");
    }

    void resume() throws IOException, InterruptedException {
        signal("CONT");
    }

    private void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                .start()
                .waitFor();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
