// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Everything that exists in one run. */
public final class World {
    /** How long after its sending a request may still take effect. */
    public static final int MAX_LATE_MS = 4_000;

    /** How long a dead WAL's fence lies: longer than a zombie lives and a request travels. */
    public static final long FENCE_RETENTION_MS = 30_000;

    private static final List<List<String>> LANES =
            List.of(List.of("block"), List.of("s3"), List.of("s3"), List.of("block", "s3"));

    /** Age from which an object that the quorum does not know is garbage: twice as long as a commit may be under way, and more. */
    public final long orphanGraceMs;

    public final SimTime time;
    public final SimRandom random;
    public final Swarm swarm;
    public final FaultCounts counts;
    public final SimStore store;
    public final Sabotage sabotage;
    public final StatePool states;
    /** Networks, store and clients: never dies. */
    public final SimProcess process;

    public final Ledger ledger;
    /** Names of the WAL lanes that brokers run; the order counts where streams are opened as in the shipped broker. */
    public final List<String> lanes;

    /** Whether brokers have a disk cache. */
    public final boolean hasDiskTier;
    /** Whether brokers compact. */
    public final boolean compacts;
    /** Whether each broker believes that it has the lease of compaction: nothing may depend on it. */
    public final boolean leasesLie;

    public final List<SimBroker> brokers = new ArrayList<>();
    private @Nullable SimQuorum quorum;
    private @Nullable Cluster cluster;
    private int processes;

    /**
     * What runs of several kinds have in common.
     *
     * @param process never dies; null if one has to be made
     */
    public record Ground(
            SimTime time,
            SimRandom random,
            FaultCounts counts,
            @Nullable SimProcess process,
            long orphanGraceMs) {}

    /** The storage of brokers whose quorum is {@link SimQuorum}. */
    public World(long seed, Sabotage sabotage, StatePool states, @Nullable Consumer<String> trace) {
        this(
                new Ground(new SimTime(trace), new SimRandom(seed), new FaultCounts(), null, 10_000),
                LANES,
                sabotage,
                states);
    }

    /** The storage of brokers that others run on {@code ground}, with some of {@code lanes}. */
    public World(Ground ground, List<List<String>> lanes, Sabotage sabotage, StatePool states) {
        this.orphanGraceMs = ground.orphanGraceMs;
        this.time = ground.time;
        this.random = ground.random;
        this.counts = ground.counts;
        this.swarm = new Swarm(random);
        this.lanes = lanes.get(random.below(lanes.size()));
        this.hasDiskTier = random.chance(0.5);
        this.compacts = random.chance(0.6);
        this.leasesLie = random.chance(0.4);
        this.sabotage = sabotage;
        this.states = states;
        this.process = ground.process == null ? newProcess("world") : ground.process;
        this.store = new SimStore(time);
        this.ledger = new Ledger(this);
    }

    public SimProcess newProcess(String name) {
        return new SimProcess(time, random.fork(), name, processes++, random.between(1_000, 5_000_000));
    }

    /** Whether a stranger can read what a dead broker's WAL holds. */
    public boolean allowsTakeover() {
        return lanes.equals(List.of("s3")) && brokers.size() > 1;
    }

    public SimQuorum quorum() {
        return Objects.requireNonNull(quorum);
    }

    public void found(SimQuorum founded) {
        quorum = founded;
        cluster = new StorageCluster(this);
    }

    public Cluster cluster() {
        return Objects.requireNonNull(cluster);
    }

    public void found(Cluster founded) {
        cluster = founded;
    }

    /** The broker that the quorum names as the stream's owner. */
    public SimBroker ownerOf(long streamId) {
        int owner = quorum().state().manifests().stream(streamId).orElseThrow().ownerId();
        return brokers.get(owner);
    }
}
