// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.SimRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Appends numbers to {@link ThinPartition}s. */
final class ThinWorkload implements Workload {
    private final QuorumWorld world;
    private final SimRandom random;
    private final long appendEveryMs;
    private long nextValue;
    private boolean isOver;

    ThinWorkload(QuorumWorld world) {
        this.world = world;
        this.random = world.random.fork();
        this.appendEveryMs = random.between(10, 80);
    }

    @Override
    public void start(Course course) {
        append();
    }

    private void append() {
        world.process.after(random.between(1, 2 * appendEveryMs), "client", () -> {
            if (!isOver) {
                List<Member> brokers = world.brokers();
                if (!brokers.isEmpty()) {
                    appendTo(brokers.get(random.below(brokers.size())));
                }
                append();
            }
        });
    }

    private static List<ThinPartition> partitions(Member broker) {
        return new ArrayList<>(((ThinStorage) broker.storage()).partitions());
    }

    /** Whoever believes to own a partition is asked, a process that others have replaced as well. */
    private void appendTo(Member broker) {
        List<ThinPartition> partitions = partitions(broker);
        if (!partitions.isEmpty()) {
            ThinPartition partition = partitions.get(random.below(partitions.size()));
            NodeRun run = world.nodes.get(broker.id()).run();
            if (run != null) {
                run.process().after(0, "append", () -> partition.append(nextValue++, taken -> {}));
            }
        }
    }

    @Override
    public long longestUseMs() {
        return 30_000;
    }

    @Override
    public void step() {}

    @Override
    public void heal() {
        isOver = true;
    }

    @Override
    public @Nullable String whoWaits() {
        return null;
    }

    /** Every partition takes a record, and everything becomes committed. */
    @Override
    public void settle(Course course) {
        List<BooleanSupplier> answers = new ArrayList<>();
        for (Member broker : world.brokers()) {
            for (ThinPartition partition : partitions(broker)) {
                CompletableFuture<Boolean> answer = new CompletableFuture<>();
                SimNode node = world.nodes.get(broker.id());
                NodeRun run = node.run();
                boolean isTaken = run != null && partition.append(-1, answer::complete);
                // One that is just moving is another's in a moment; one that was told to stop before the healing may do
                // so now.
                if (isTaken) {
                    answers.add(() -> answer.isDone() || node.run() != run);
                }
            }
        }
        course.runUntil(
                Course.HEAL_LIMIT_MS,
                () -> answers.stream().allMatch(BooleanSupplier::getAsBoolean),
                () -> "appends are not answered although everything is healed");
    }

    @Override
    public void audit() {
        QuorumAudit audit = new QuorumAudit(world);
        world.runs().forEach(audit::recordsAreKept);
    }

    @Override
    public @Nullable String violation() {
        return null;
    }

    @Override
    public long acknowledged() {
        return world.ledger.records().count();
    }

    @Override
    public long consumed() {
        return 0;
    }
}
