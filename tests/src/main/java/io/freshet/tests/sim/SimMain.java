// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.tests.sim.quorum.QuorumSabotage;
import io.freshet.tests.sim.quorum.QuorumSimulation;
import io.freshet.tests.sim.whole.WholeSimulation;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.logging.LogManager;
import org.jspecify.annotations.Nullable;

/** The command line: runs many seeds, or one with its trace. Exit code 1 when a seed violates an invariant. */
public final class SimMain {
    private static final long REPORT_MS = 60_000;

    private SimMain() {}

    /**
     * {@code --seeds N --minutes M --threads T}, {@code --first S}, or {@code --seed S} to replay one; {@code --kind} says
     * whether the storage, the quorum, the whole, or all one after the other are simulated.
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Options options = Options.parse(arguments);
        if (options == null) {
            System.err.println("Usage: freshet-sim [--seeds N] [--minutes M] [--threads T] [--first S]"
                    + " [--kind storage|quorum|whole|all] | --seed S [--kind ...] [--quiet]");
            System.exit(2);
            return;
        }
        LogManager.getLogManager().reset();
        System.exit(options.isReplay ? replay(options) : runMany(options));
    }

    /** What is simulated. */
    private enum Kind {
        STORAGE,
        QUORUM,
        WHOLE;

        Outcome run(long seed, StatePool states, @Nullable Consumer<String> trace) {
            return switch (this) {
                case STORAGE -> Simulation.run(seed, Sabotage.NONE, states, trace);
                case QUORUM -> QuorumSimulation.run(seed, QuorumSabotage.NONE, states, trace);
                case WHOLE -> WholeSimulation.run(seed, QuorumSabotage.NONE, Sabotage.NONE, states, trace);
            };
        }

        /** {@code all} means one after the other, with the same seed. */
        static List<Kind> parse(String name) {
            return name.equals("all") ? List.of(values()) : List.of(valueOf(name.toUpperCase(Locale.ROOT)));
        }
    }

    private static final class Options {
        private long seeds = Long.MAX_VALUE;
        private double minutes = 1;
        private int threads = Runtime.getRuntime().availableProcessors();
        private long first = System.currentTimeMillis() * 1_000_003L;
        private boolean isReplay;
        private boolean isQuiet;
        private List<Kind> kinds = List.of(Kind.STORAGE);

        static @Nullable Options parse(String[] arguments) {
            Options options = new Options();
            boolean hasMinutes = false;
            for (int i = 0; i < arguments.length; i++) {
                String name = arguments[i];
                if (name.equals("--quiet")) {
                    options.isQuiet = true;
                    continue;
                }
                if (i + 1 == arguments.length) {
                    return null;
                }
                String value = arguments[++i];
                try {
                    switch (name) {
                        case "--seeds" -> options.seeds = Long.parseLong(value);
                        case "--minutes" -> {
                            options.minutes = Double.parseDouble(value);
                            hasMinutes = true;
                        }
                        case "--threads" -> options.threads = Integer.parseInt(value);
                        case "--kind" -> options.kinds = Kind.parse(value);
                        case "--first" -> options.first = Long.parseLong(value);
                        case "--seed" -> {
                            options.first = Long.parseLong(value);
                            options.isReplay = true;
                        }
                        default -> {
                            return null;
                        }
                    }
                } catch (IllegalArgumentException e) {
                    return null;
                }
            }
            if (options.seeds != Long.MAX_VALUE && !hasMinutes) {
                options.minutes = 1e9;
            }
            return options;
        }
    }

    private static int replay(Options options) throws IOException {
        PrintStream out = System.out;
        try (StatePool states = new StatePool(directory())) {
            boolean isFine = true;
            for (Kind kind : options.kinds) {
                Outcome outcome = kind.run(options.first, states, options.isQuiet ? null : out::println);
                print(out, kind, outcome);
                isFine &= outcome.violation() == null;
            }
            return isFine ? 0 : 1;
        }
    }

    private static void print(PrintStream out, Kind kind, Outcome outcome) {
        out.printf(
                "%s seed %d: %s; %d events, %d batches acknowledged, %d consumed, trace %016x%n",
                kind.name().toLowerCase(Locale.ROOT),
                outcome.seed(),
                outcome.violation() == null ? "fine" : "VIOLATED: " + outcome.violation(),
                outcome.events(),
                outcome.acknowledged(),
                outcome.consumed(),
                outcome.traceHash());
    }

    private static int runMany(Options options) throws IOException, InterruptedException {
        PrintStream out = System.out;
        long endMs = System.currentTimeMillis() + (long) (options.minutes * 60_000);
        long startMs = System.currentTimeMillis();
        AtomicLong next = new AtomicLong();
        Totals totals = new Totals();
        List<Thread> threads = new ArrayList<>();
        out.printf("Seeds from %d on%n", options.first);
        for (int i = 0; i < Math.max(1, options.threads); i++) {
            Thread thread = new Thread(() -> work(options, endMs, next, totals), "sim-" + i);
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        double tookMinutes = (System.currentTimeMillis() - startMs) / 60_000.0;
        totals.print(out, tookMinutes);
        return totals.violated == 0 ? 0 : 1;
    }

    private static void work(Options options, long endMs, AtomicLong next, Totals totals) {
        try (StatePool states = new StatePool(directory())) {
            while (System.currentTimeMillis() < endMs) {
                long index = next.getAndIncrement();
                if (index >= options.seeds) {
                    return;
                }
                for (Kind kind : options.kinds) {
                    totals.add(kind, kind.run(options.first + index, states, null));
                }
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Path directory() throws IOException {
        Path memory = Path.of("/dev/shm");
        return Files.isWritable(memory)
                ? Files.createTempDirectory(memory, "freshet-sim")
                : Files.createTempDirectory("freshet-sim");
    }

    /** Sums over all runs; guarded by its own lock. */
    private static final class Totals {
        private final FaultCounts counts = new FaultCounts();
        private long runs;
        private long violated;
        private long events;
        private long acknowledged;
        private long nextReportMs = System.currentTimeMillis() + REPORT_MS;

        synchronized void add(Kind kind, Outcome outcome) {
            runs++;
            events += outcome.events();
            acknowledged += outcome.acknowledged();
            counts.addAll(outcome.counts());
            if (outcome.violation() != null) {
                violated++;
                SimMain.print(System.out, kind, outcome);
            }
            if (System.currentTimeMillis() >= nextReportMs) {
                nextReportMs = System.currentTimeMillis() + REPORT_MS;
                System.out.printf("... %d seeds, %d violated%n", runs, violated);
            }
        }

        synchronized void print(PrintStream out, double minutes) {
            counts.all().forEach((what, count) -> out.printf("  %,12d  %s%n", count, what));
            out.printf(
                    "%d seeds, %.0f seeds/minute, %d violated; %,d events, %,d batches acknowledged%n",
                    runs, runs / minutes, violated, events, acknowledged);
        }
    }
}
