// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.fleet;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Threads;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** {@code freshet up --brokers N}: starts all nodes, says when one ends or comes back, and stops them at its own end. */
public final class FleetRun {
    private static final Duration START_TIMEOUT = Duration.ofSeconds(90);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(60);
    private static final long LOOK_MS = 300;
    private static final List<String> NODE_HEAP = List.of("-Xms128m", "-Xmx512m", "-XX:MaxDirectMemorySize=768m");

    private final Fleet fleet;
    private final PrintWriter out;
    private final List<NodeProcess> processes;

    public FleetRun(Fleet fleet, PrintWriter out) {
        this.fleet = fleet;
        this.out = out;
        this.processes = fleet.nodes().stream().map(FleetRun::process).toList();
    }

    /** A node's process, run by this JVM's program with this JVM's options. */
    static NodeProcess process(FleetNode node) {
        return new NodeProcess(node, javaCommand(), Map.of());
    }

    /** The heap is a node's own, unless the user has said how much there shall be. */
    private static List<String> javaCommand() {
        boolean isHeapGiven = System.getenv("KAFKA_HEAP_OPTS") != null;
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            boolean isHeap = option.startsWith("-Xm") || option.startsWith("-XX:MaxDirectMemorySize");
            if (isHeapGiven || !isHeap) {
                command.add(option);
            }
        }
        if (!isHeapGiven) {
            command.addAll(NODE_HEAP);
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.freshet.broker.cli.Freshet"));
        return command;
    }

    /** Blocks until the process is told to end. */
    public int untilStopped() throws InterruptedException {
        Runtime.getRuntime().addShutdownHook(Threads.newThread("fleet-shutdown", this::stopAll));
        for (NodeProcess process : processes) {
            if (process.find().isEmpty()) {
                process.start();
            }
        }
        for (NodeProcess process : processes) {
            awaitReady(process);
        }
        printWelcome();
        watch();
        return 0;
    }

    private void awaitReady(NodeProcess process) throws InterruptedException {
        long deadlineNanos = System.nanoTime() + START_TIMEOUT.toNanos();
        while (!process.isReady()) {
            if (process.find().isEmpty() || System.nanoTime() - deadlineNanos > 0) {
                throw new FreshetException(
                        ErrorKind.UNAVAILABLE,
                        "Node " + process.node().id() + " did not start; see "
                                + process.node().logFile());
            }
            Thread.sleep(LOOK_MS);
        }
    }

    private void printWelcome() {
        out.println("Freshet is up with " + processes.size() + " brokers. Press Ctrl-C to stop all of them.");
        out.println("  Kafka clients   " + fleet.bootstrap());
        for (NodeProcess process : processes) {
            out.println("  " + describe(process));
        }
        out.println();
        out.println("Try, in another terminal:");
        String data = " --data " + fleet.folder();
        out.println("  bin/freshet broker list" + data);
        out.println("  bin/freshet broker kill 1" + data + "    (kill -9; start brings it back)");
        out.flush();
    }

    /** A line for people. */
    static String describe(NodeProcess process) {
        FleetNode node = process.node();
        String state = process.find().map(handle -> "process " + handle.pid()).orElse("does not run");
        return String.format(
                "node %-2d %-17s %s  %s  http://localhost:%d/readyz  %s",
                node.id(), node.roles(), state, node.bootstrap(), node.httpPort(), node.logFile());
    }

    private void watch() throws InterruptedException {
        Map<Integer, Long> known = new HashMap<>();
        while (true) {
            for (NodeProcess process : processes) {
                long pid = process.find().map(ProcessHandle::pid).orElse(0L);
                Long before = known.put(process.node().id(), pid);
                if (before != null && before != pid) {
                    out.println(
                            pid == 0
                                    ? "Node " + process.node().id() + " has ended (process " + before + ")"
                                    : "Node " + process.node().id() + " runs again (process " + pid + ")");
                    out.flush();
                }
            }
            Thread.sleep(LOOK_MS);
        }
    }

    private void stopAll() {
        List<ProcessHandle> ending = new ArrayList<>();
        for (NodeProcess process : processes) {
            process.find().ifPresent(ending::add);
        }
        ending.forEach(ProcessHandle::destroy);
        long deadlineNanos = System.nanoTime() + STOP_TIMEOUT.toNanos();
        for (ProcessHandle handle : ending) {
            while (handle.isAlive() && System.nanoTime() - deadlineNanos < 0) {
                try {
                    Thread.sleep(50);
                } catch (InterruptedException e) {
                    deadlineNanos = System.nanoTime();
                }
            }
            handle.destroyForcibly();
        }
    }
}
