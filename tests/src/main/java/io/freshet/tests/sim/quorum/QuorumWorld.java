// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.MetadataNodeConfig;
import io.freshet.tests.sim.FaultCounts;
import io.freshet.tests.sim.SimProcess;
import io.freshet.tests.sim.SimRandom;
import io.freshet.tests.sim.SimTime;
import io.freshet.tests.sim.StatePool;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.raft.DynamicVoter;
import org.jspecify.annotations.Nullable;

/** Everything that exists in one run. */
public final class QuorumWorld {
    public static final String CLUSTER_ID = "c2ltdWxhdGVkLWNsdXN0ZQ";
    public static final long SESSION_MS = MetadataNodeConfig.DEFAULT_BROKER_SESSION_TIMEOUT_MS;
    public static final long HEARTBEAT_MS = 500;

    public final SimTime time;
    public final SimRandom random;
    public final QuorumSwarm swarm;
    public final QuorumSabotage sabotage;
    public final FaultCounts counts = new FaultCounts();
    /** Network, shared storage and clients: never dies. */
    public final SimProcess process;

    public final SimNetwork network;
    final VoterChanges voterChanges;
    public final QuorumLedger ledger;
    public final SharedWals wals = new SharedWals();
    public final List<SimNode> nodes = new ArrayList<>();
    /** host:port of each voter. */
    public final List<String> voterAddresses = new ArrayList<>();

    /** What brokers keep records in. */
    public final Function<Member, MemberStorage> storages;

    /** Whether a broker may be gone for good: not if others cannot read what it has written. */
    public boolean mayLoseBroker = true;

    private int processes;

    /** A world whose brokers have {@link ThinStorage}. */
    public QuorumWorld(long seed, QuorumSabotage sabotage, StatePool states, @Nullable Consumer<String> trace) {
        this(seed, sabotage, states, trace, null);
    }

    /** @param storages makes what brokers keep records in; null for {@link ThinStorage} */
    public QuorumWorld(
            long seed,
            QuorumSabotage sabotage,
            StatePool states,
            @Nullable Consumer<String> trace,
            @Nullable Function<Member, MemberStorage> storages) {
        this.storages = storages == null ? member -> new ThinStorage(this, member) : storages;
        this.time = new SimTime(trace);
        this.random = new SimRandom(seed);
        this.swarm = new QuorumSwarm(random);
        this.sabotage = sabotage;
        this.process = newProcess("world");
        this.ledger = new QuorumLedger(this);
        this.network = new SimNetwork(this);
        build(states);
        this.voterChanges = new VoterChanges(this, seed);
    }

    /** Three or five voters that are brokers too, or some brokers beside them. */
    private void build(StatePool states) {
        int voters = random.chance(0.6) ? 3 : 5;
        boolean isCombined = random.chance(0.5);
        int others = isCombined ? random.below(2) : 2 + random.below(2);
        List<DynamicVoter> voterSet = new ArrayList<>();
        List<Uuid> directories = new ArrayList<>();
        for (int id = 0; id < voters + others; id++) {
            directories.add(new Uuid(random.nextLong() | 1, random.nextLong()));
            if (id < voters) {
                int port = SimRaftChannel.FIRST_PORT + id;
                voterSet.add(new DynamicVoter(directories.get(id), id, "127.0.0.1", port));
                voterAddresses.add("127.0.0.1:" + port);
            }
        }
        for (int id = 0; id < voters + others; id++) {
            boolean isVoter = id < voters;
            NodeDisk disk = NodeDisk.formatted(isVoter ? voterSet : List.of(), states.lend(), sabotage.flushes());
            nodes.add(new SimNode(this, id, directories.get(id), isVoter, isCombined || !isVoter, disk));
        }
    }

    public SimProcess newProcess(String name) {
        return new SimProcess(time, random.fork(), name, processes++, random.between(1_000, 2_000_000));
    }

    public List<NodeRun> runs() {
        List<NodeRun> runs = new ArrayList<>();
        for (SimNode node : nodes) {
            NodeRun run = node.run();
            if (run != null) {
                runs.add(run);
            }
        }
        return runs;
    }

    /** Brokers whose processes run, whether or not they serve. */
    public List<Member> brokers() {
        return runs().stream()
                .map(NodeRun::broker)
                .filter(java.util.Objects::nonNull)
                .toList();
    }
}
