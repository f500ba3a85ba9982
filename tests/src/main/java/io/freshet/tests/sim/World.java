// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Everything that exists in one run. */
final class World {
    /** How long after its sending a request may still take effect. */
    static final int MAX_LATE_MS = 4_000;

    /** Age from which an object that the quorum does not know is garbage. */
    static final long ORPHAN_GRACE_MS = 10_000;

    final SimTime time;
    final SimRandom random;
    final Swarm swarm;
    final FaultCounts counts = new FaultCounts();
    final SimStore store;
    final Sabotage sabotage;
    final StatePool states;
    /** Networks, store and clients: never dies. */
    final SimProcess process;

    final Ledger ledger;
    final List<SimBroker> brokers = new ArrayList<>();
    private @Nullable SimQuorum quorum;
    private int processes;

    World(long seed, Sabotage sabotage, StatePool states, @Nullable Consumer<String> trace) {
        this.time = new SimTime(trace);
        this.random = new SimRandom(seed);
        this.swarm = new Swarm(random);
        this.sabotage = sabotage;
        this.states = states;
        this.process = newProcess("world");
        this.store = new SimStore(time);
        this.ledger = new Ledger(this);
    }

    SimProcess newProcess(String name) {
        return new SimProcess(time, random.fork(), name, processes++, random.between(1_000, 5_000_000));
    }

    SimQuorum quorum() {
        return Objects.requireNonNull(quorum);
    }

    void found(SimQuorum founded) {
        quorum = founded;
    }

    /** The broker that the quorum names as the stream's owner. */
    SimBroker ownerOf(long streamId) {
        int owner = quorum().state().manifests().stream(streamId).orElseThrow().ownerId();
        return brokers.get(owner);
    }
}
