// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.tests.sim.SimRandom;
import java.util.ArrayList;
import java.util.List;

/** The WAL of one registration: one slot at a time goes to the shared storage, with all that has come since the last one. */
final class ThinWal {
    private final QuorumWorld world;
    private final NodeRun run;
    private final SimRandom random;
    private final int brokerId;
    private final long brokerEpoch;
    private final Runnable onFenced;
    private List<SharedWals.Entry> entries = new ArrayList<>();
    private List<Runnable> durables = new ArrayList<>();
    private boolean isWriting;

    /** @param onFenced is told that others have ended this WAL */
    ThinWal(QuorumWorld world, NodeRun run, int brokerId, long brokerEpoch, Runnable onFenced) {
        this.world = world;
        this.run = run;
        this.random = run.random().fork();
        this.brokerId = brokerId;
        this.brokerEpoch = brokerEpoch;
        this.onFenced = onFenced;
    }

    void append(SharedWals.Entry entry, Runnable onDurable) {
        entries.add(entry);
        durables.add(onDurable);
        if (!isWriting) {
            isWriting = true;
            run.process().after(random.between(1, 5), "slot", this::write);
        }
    }

    private void write() {
        List<SharedWals.Entry> slot = entries;
        List<Runnable> waiting = durables;
        entries = new ArrayList<>();
        durables = new ArrayList<>();
        // On its way it outlives the process.
        world.process.after(random.between(1, 30), "slot arrives", () -> {
            boolean isWritten = world.wals.put(brokerId, brokerEpoch, slot);
            run.process().after(random.between(1, 10), "slot is answered", () -> written(isWritten, waiting));
        });
    }

    private void written(boolean isWritten, List<Runnable> waiting) {
        if (!isWritten) {
            onFenced.run();
            return;
        }
        waiting.forEach(Runnable::run);
        isWriting = false;
        if (!entries.isEmpty()) {
            isWriting = true;
            write();
        }
    }
}
