// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.workload;

import io.freshet.tests.checker.HistoryWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/** All clients of one run. {@link #start}, let them work, {@link #finish}; then check the history. One thread. */
public final class Workload implements AutoCloseable {
    private static final int STOP_SECONDS = 150;

    private final Board board;
    private final HistoryWriter history;
    private final Availability availability;
    private final List<Thread> threads = new ArrayList<>();

    private Workload(Board board, HistoryWriter history) {
        this.board = board;
        this.history = history;
        this.availability = new Availability(board.partitions());
    }

    /**
     * What the clients do.
     *
     * @param topic made anew
     * @param configs the topic's
     * @param recordsPerSecond of all producers together
     * @param lifeSeconds mean time until a client crashes
     */
    public record Options(
            String bootstrap,
            String topic,
            int partitions,
            short replicas,
            Map<String, String> configs,
            double recordsPerSecond,
            int producers,
            int consumers,
            double lifeSeconds,
            long seed) {}

    /** Makes the topic and starts the clients. */
    public static Workload start(Options options, Path historyFile)
            throws IOException, InterruptedException, ExecutionException {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", options.bootstrap()))) {
            admin.createTopics(List.of(new NewTopic(options.topic(), options.partitions(), options.replicas())
                            .configs(options.configs())))
                    .all()
                    .get();
        }
        HistoryWriter history = HistoryWriter.create(historyFile);
        Workload workload =
                new Workload(new Board(options.bootstrap(), options.topic(), options.partitions(), history), history);
        workload.startClients(options);
        return workload;
    }

    private void startClients(Options options) {
        for (int i = 0; i < options.producers(); i++) {
            start(
                    "producer-" + i,
                    new SendingClient(
                            board,
                            options.seed() + i,
                            options.recordsPerSecond() / options.producers(),
                            options.lifeSeconds(),
                            i % 2 == 0));
        }
        PollingClient.Manner[] manners = PollingClient.Manner.values();
        for (int i = 0; i < options.consumers(); i++) {
            start(
                    "consumer-" + i,
                    new PollingClient(
                            board, options.seed() + 1000 + i, manners[i % manners.length], options.lifeSeconds()));
        }
        start("prober", new Prober(board, availability));
    }

    private void start(String name, Runnable client) {
        Thread thread = new Thread(client, name);
        thread.setDaemon(true);
        thread.setUncaughtExceptionHandler((which, error) -> board.failed(which.getName() + " died", error));
        thread.start();
        threads.add(thread);
    }

    public Availability availability() {
        return availability;
    }

    /** Errors that clients met: who and what, and how often. They are no anomalies. */
    public Map<String, Long> errors() {
        return board.errors();
    }

    /**
     * Stops the clients, reads everything once more, and completes the history. The cluster must be well.
     *
     * @return what did not end as it should; empty if all did
     */
    public List<String> finish(Duration finalReads) throws InterruptedException, IOException {
        board.stop();
        List<String> problems = new ArrayList<>();
        long deadlineNanos =
                System.nanoTime() + Duration.ofSeconds(STOP_SECONDS).toNanos();
        for (Thread thread : threads) {
            thread.join(Math.max(1, (deadlineNanos - System.nanoTime()) / 1_000_000));
            if (thread.isAlive()) {
                problems.add(thread.getName() + " is stuck");
            }
        }
        board.errors().keySet().stream()
                .filter(error -> error.contains(" died"))
                .forEach(problems::add);
        if (!new FinalReader(board).read(finalReads)) {
            problems.add(
                    "the final polls did not reach all acknowledged offsets within " + finalReads.toSeconds() + " s");
        }
        history.close();
        return problems;
    }

    @Override
    public void close() throws IOException {
        board.stop();
        history.close();
    }
}
