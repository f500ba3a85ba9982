// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.cluster;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.Uuid;

/** Apache Kafka with the JVM flags of its own start script but the heap, which is told. */
final class KafkaNodes implements Nodes {
    private final Path libraries;
    private final Path folder;
    private final String heap;
    private final List<Integer> ports = new ArrayList<>();
    private final List<Integer> controllerPorts = new ArrayList<>();
    private final Process[] processes = new Process[COUNT];

    /**
     * Formats the nodes' directories.
     *
     * @param sessionMs after which a silent broker is fenced; 0: as Kafka has it
     */
    KafkaNodes(Path libraries, Path folder, String heap, int sessionMs) throws IOException, InterruptedException {
        this.libraries = libraries;
        this.folder = folder;
        this.heap = heap;
        choosePorts();
        String voters = IntStream.rangeClosed(1, VOTERS)
                .mapToObj(id -> id + "@127.0.0.1:" + controllerPorts.get(id - 1) + ":" + Uuid.randomUuid())
                .collect(Collectors.joining(","));
        String clusterId = Uuid.randomUuid().toString();
        for (int id = 1; id <= COUNT; id++) {
            Files.createDirectories(folder(id));
            Files.write(properties(id), settings(id, sessionMs));
            List<String> format = java(
                    "-Xmx256m",
                    "kafka.tools.StorageTool",
                    "format",
                    "-t",
                    clusterId,
                    "-c",
                    properties(id).toString());
            format.addAll(isVoter(id) ? List.of("--initial-controllers", voters) : List.of("--no-initial-controllers"));
            Commands.run(format, Map.of(), folder(id).resolve("format.log"));
        }
    }

    private void choosePorts() throws IOException {
        List<ServerSocket> sockets = new ArrayList<>();
        for (int i = 0; i < 2 * COUNT; i++) {
            sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
        }
        for (ServerSocket socket : sockets) {
            (ports.size() < COUNT ? ports : controllerPorts).add(socket.getLocalPort());
            socket.close();
        }
    }

    private static boolean isVoter(int id) {
        return id <= VOTERS;
    }

    private List<String> settings(int id, int sessionMs) {
        String controller = isVoter(id) ? ",CONTROLLER://127.0.0.1:" + controllerPorts.get(id - 1) : "";
        List<String> lines = new ArrayList<>(List.of(
                "process.roles=" + (isVoter(id) ? "broker,controller" : "broker"),
                "node.id=" + id,
                "listeners=PLAINTEXT://127.0.0.1:" + ports.get(id - 1) + controller,
                "controller.listener.names=CONTROLLER",
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "controller.quorum.bootstrap.servers="
                        + controllerPorts.stream()
                                .limit(VOTERS)
                                .map(port -> "127.0.0.1:" + port)
                                .collect(Collectors.joining(",")),
                "log.dirs=" + folder(id).resolve("data")));
        if (sessionMs > 0) {
            lines.add("broker.session.timeout.ms=" + sessionMs);
            lines.add("broker.heartbeat.interval.ms=" + Math.max(1, sessionMs / 6));
        }
        return lines;
    }

    private Path properties(int id) {
        return folder(id).resolve("server.properties");
    }

    private List<String> java(String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-cp");
        command.add(libraries + "/*");
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    @Override
    public String kind() {
        return "kafka";
    }

    @Override
    public String bootstrap() {
        return ports.stream().limit(VOTERS).map(port -> "127.0.0.1:" + port).collect(Collectors.joining(","));
    }

    @Override
    public void start(int id) throws IOException {
        List<String> flags = new ArrayList<>(List.of(heap.split(" ", -1)));
        flags.addAll(List.of(
                "-server",
                "-XX:+UseG1GC",
                "-XX:MaxGCPauseMillis=20",
                "-XX:InitiatingHeapOccupancyPercent=35",
                "-XX:+ExplicitGCInvokesConcurrent",
                "kafka.Kafka",
                properties(id).toString()));
        processes[id - 1] = new ProcessBuilder(java(flags.toArray(String[]::new)))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        folder(id).resolve("server.log").toFile()))
                .start();
    }

    @Override
    public void kill(int id) {
        processes[id - 1].destroyForcibly().onExit().join();
    }

    @Override
    public Path folder(int id) {
        return folder.resolve("node-" + id);
    }

    @Override
    public void close() {
        for (Process process : processes) {
            if (process != null) {
                process.destroyForcibly().onExit().join();
            }
        }
    }
}
