// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.whole;

import io.freshet.metadata.Manifests;
import io.freshet.metadata.state.ClusterState;
import io.freshet.tests.sim.Cluster;
import io.freshet.tests.sim.Sabotage;
import io.freshet.tests.sim.ServingProcess;
import io.freshet.tests.sim.SimDisk;
import io.freshet.tests.sim.SimRandom;
import io.freshet.tests.sim.StatePool;
import io.freshet.tests.sim.World;
import io.freshet.tests.sim.quorum.Member;
import io.freshet.tests.sim.quorum.NodeRun;
import io.freshet.tests.sim.quorum.QuorumSabotage;
import io.freshet.tests.sim.quorum.QuorumWorld;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.snapshot.Snapshots;
import org.jspecify.annotations.Nullable;

/** The quorum, what its brokers store, and the truth: a state that applies each batch as soon as anybody hears that it is committed. */
final class WholeCluster implements Cluster {
    private static final List<List<String>> LANES = List.of(
            List.of("s3"),
            List.of("s3"),
            List.of("s3"),
            List.of("block"),
            List.of("block", "s3"),
            List.of("s3", "block"));

    private static final int WAL_BLOCK_BYTES = 4096;
    /** A command is tried for 20 s, and its last request may travel for four more. */
    private static final long ORPHAN_GRACE_MS = 60_000;

    private final QuorumWorld quorum;
    private final World storage;
    private final SimRandom random;
    private final ClusterState truth;
    private final List<SimDisk> disks = new ArrayList<>();

    WholeCluster(
            long seed,
            QuorumSabotage ofQuorum,
            Sabotage ofStorage,
            StatePool states,
            @Nullable Consumer<String> trace) {
        this.quorum = new QuorumWorld(seed, ofQuorum, states, trace, member -> new RealStorage(this, member));
        this.storage = new World(
                new World.Ground(quorum.time, quorum.random, quorum.counts, quorum.process, ORPHAN_GRACE_MS),
                LANES,
                ofStorage,
                states);
        this.random = quorum.random.fork();
        this.truth = new ClusterState(states.lend());
        storage.found(this);
        quorum.mayLoseBroker = !storage.lanes.contains("block");
        int walBytes = WAL_BLOCK_BYTES * (int) random.between(18, 62);
        quorum.nodes.forEach(node -> disks.add(new SimDisk(storage, walBytes)));
        truth.load(List.of(beginning()).iterator(), Snapshots.BOOTSTRAP_SNAPSHOT_ID, 0);
        quorum.ledger.onCommitted(batch -> truth.apply(List.of(batch).iterator()));
    }

    /** What voters are formatted with. */
    private static Batch<ApiMessageAndVersion> beginning() {
        FeatureLevelRecord version = new FeatureLevelRecord()
                .setName(MetadataVersion.FEATURE_NAME)
                .setFeatureLevel(MetadataVersion.latestProduction().featureLevel());
        return Batch.data(0, 0, 0, 0, List.of(new ApiMessageAndVersion(version, (short) 0)));
    }

    QuorumWorld quorum() {
        return quorum;
    }

    World storage() {
        return storage;
    }

    MetadataImage image() {
        return truth.image();
    }

    @Override
    public Manifests manifests() {
        return truth.manifests();
    }

    /** What serves on a node at present. */
    @Nullable
    RealStorage serving(int brokerId) {
        NodeRun run = brokerId < 0 ? null : quorum.nodes.get(brokerId).run();
        Member broker = run == null ? null : run.broker();
        return broker == null ? null : (RealStorage) broker.storage();
    }

    /** Clients' metadata are those of some node, and may be old: whoever has the stream open may be asked. */
    @Override
    public @Nullable ServingProcess serverOf(long streamId) {
        if (random.chance(0.3)) {
            List<RealStorage> open = quorum.brokers().stream()
                    .map(broker -> (RealStorage) broker.storage())
                    .filter(each -> each.partition(streamId) != null)
                    .toList();
            if (!open.isEmpty()) {
                return open.get(random.below(open.size()));
            }
        }
        return truth.manifests().stream(streamId)
                .map(stream -> serving(stream.ownerId()))
                .orElse(null);
    }

    @Override
    public SimDisk disk(int brokerId) {
        return disks.get(brokerId);
    }

    /** Of nodes that have applied all. */
    @Override
    public Map<Integer, Manifests> copies() {
        Map<Integer, Manifests> copies = new TreeMap<>();
        for (NodeRun run : quorum.runs()) {
            if (run.quorum().state().appliedOffset() == truth.appliedOffset()) {
                copies.put(run.id(), run.quorum().manifests());
            }
        }
        return copies;
    }
}
