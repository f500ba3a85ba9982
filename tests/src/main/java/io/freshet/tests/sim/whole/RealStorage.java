// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.whole;

import io.freshet.broker.load.LoadReporter;
import io.freshet.broker.partition.Partition;
import io.freshet.broker.partition.PartitionContext;
import io.freshet.broker.partition.PartitionLog;
import io.freshet.broker.partition.PartitionLogs;
import io.freshet.broker.partition.Partitions;
import io.freshet.broker.partition.RejectionCounters;
import io.freshet.broker.server.EndOfService;
import io.freshet.broker.server.QuorumCompaction;
import io.freshet.broker.server.QuorumMetadata;
import io.freshet.broker.server.QuorumWalRegistry;
import io.freshet.broker.server.QuorumWals;
import io.freshet.common.runtime.Scheduler.Cancellable;
import io.freshet.metadata.QuorumNode;
import io.freshet.metadata.state.ClusterState;
import io.freshet.storage.StreamStorage;
import io.freshet.tests.sim.ProcessStorage;
import io.freshet.tests.sim.QuorumPorts;
import io.freshet.tests.sim.ServedPartition;
import io.freshet.tests.sim.ServingProcess;
import io.freshet.tests.sim.SimProcess;
import io.freshet.tests.sim.World;
import io.freshet.tests.sim.quorum.Member;
import io.freshet.tests.sim.quorum.MemberStorage;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.jspecify.annotations.Nullable;

/** The real storage engine and the real partitions of one registration, wired as in the shipped broker. */
final class RealStorage implements MemberStorage, ServingProcess {
    private static final long LOOK_MS = 50;
    private static final long WATCH_MS = 500;
    private static final int PRODUCER_EXPIRY_MS = 86_400_000;
    private static final LogConfig TOPIC_CONFIG = new LogConfig(Map.of());

    private final WholeCluster cluster;
    private final World world;
    private final Member member;
    private final SimProcess process;
    private final QuorumNode quorum;
    private @Nullable ProcessStorage opened;
    private @Nullable Serving serving;
    private @Nullable Cancellable walWatch;
    private boolean isOver;

    /** What there is once the WAL is open. */
    private record Serving(ProcessStorage storage, Partitions partitions, WalUpkeep upkeep, LoadReporter loads) {}

    RealStorage(WholeCluster cluster, Member member) {
        this.cluster = cluster;
        this.world = cluster.storage();
        this.member = member;
        this.process = member.run().process();
        this.quorum = member.run().quorum();
    }

    @Override
    public SimProcess process() {
        return process;
    }

    @Override
    public List<String> lanes() {
        return world.lanes;
    }

    @Override
    public CompletableFuture<Void> open() {
        ProcessStorage storage = new ProcessStorage(
                world,
                new ProcessStorage.Place(member.id(), member.brokerEpoch(), cluster.disk(member.id()), process),
                new QuorumPorts(
                        new QuorumMetadata(quorum),
                        new QuorumWalRegistry(quorum),
                        new QuorumCompaction(quorum),
                        new QuorumWals(quorum)));
        return storage.open().thenRun(() -> {
            opened = storage;
            if (isOver) {
                storage.close();
            }
        });
    }

    @Override
    public void start() {
        ProcessStorage storage = opened;
        if (storage == null) {
            throw new IllegalStateException(member + " starts without storage");
        }
        WalUpkeep upkeep = new WalUpkeep(member, storage);
        StreamStorage streams = storage.streams();
        Partitions partitions = new Partitions(
                member.ownership(),
                quorum.manifests(),
                (streamId, leaderEpoch, source) ->
                        quorum.manifestKept(streamId).thenCompose(kept -> streams.open(streamId, leaderEpoch, source)),
                new PartitionContext(
                        process,
                        topic -> TOPIC_CONFIG,
                        new ProducerStateManagerConfig(PRODUCER_EXPIRY_MS, false),
                        new RejectionCounters(storage.meters())),
                topic -> streams.laneNames().get(0),
                process,
                member.moving());
        partitions.addLeadershipListener(new Openings());
        LoadReporter loads = new LoadReporter(
                member.ownership(),
                partitions::open,
                report -> member.controller().reportLoads(report),
                process,
                process);
        serving = new Serving(storage, partitions, upkeep, loads);
        MetadataImage image = quorum.image();
        onImage(ClusterState.deltaFromEmpty(image), image);
        awaitAllOpen(partitions);
    }

    /** The broker is ready when all that it owns is open. */
    private void awaitAllOpen(Partitions partitions) {
        if (isOver) {
            return;
        }
        int wanted = 0;
        for (TopicImage topic : quorum.image().topics().topicsById().values()) {
            for (PartitionRegistration partition : topic.partitions().values()) {
                wanted += partition.leader == member.id() ? 1 : 0;
            }
        }
        if (partitions.open().size() >= wanted) {
            member.ready();
            watch();
        } else {
            process.after(LOOK_MS, "wait for partitions", () -> awaitAllOpen(partitions));
        }
    }

    private void watch() {
        EndOfService end = new EndOfService(reason -> {});
        end.watchMembership(member.membership());
        end.watchRegistration(quorum, member.ownership());
        end.failure().thenAccept(reason -> {
            world.counts.add("broker ends: " + reason.kind());
            if (end.mayRejoin() || isOver) {
                member.end(String.valueOf(reason.getMessage()));
            } else {
                world.time.say(process, () -> "ends its process: " + reason.getMessage());
                member.run().restart();
            }
        });
        Serving present = serving;
        if (present != null) {
            walWatch = end.watchWal(present.storage::slotsFailure, process);
            look(present);
        }
    }

    /** A device that has failed is healed by a restart here. */
    private void look(Serving present) {
        if (isOver) {
            return;
        }
        present.storage.checkMemory();
        if (present.storage.deviceFailure().isPresent()) {
            world.counts.add("process stops after a device error");
            member.run().restart();
        } else {
            process.after(WATCH_MS, "look", () -> look(present));
        }
    }

    /** Tells the ledger where streams were opened. */
    private final class Openings implements PartitionLogs.LeadershipListener {
        @Override
        public void onOpened(PartitionLog log) {
            Partition partition = (Partition) log;
            long streamId = partition.stream().streamId();
            world.time.note(process, "opens stream", streamId, partition.logEndOffset());
            world.counts.add("partition is opened");
            if (partition.stream().committedEndOffset() < partition.logEndOffset()) {
                world.counts.add("partition opens with records of a WAL");
            }
            cluster.quorum()
                    .ledger
                    .opened(
                            streamId,
                            partition.leaderEpoch(),
                            member.ownership().toString());
            if (world.ledger.knows(streamId)) {
                world.ledger.opened(streamId, partition.leaderEpoch(), partition.logEndOffset());
            }
        }

        @Override
        public void onClosed(TopicPartition partition, int leaderEpoch, boolean deleted) {
            world.time.note(process, "closes partition", partition.partition(), leaderEpoch);
        }
    }

    @Override
    public void onImage(MetadataDelta delta, MetadataImage image) {
        Serving present = serving;
        if (present != null && !isOver) {
            if (delta.clusterDelta() != null) {
                present.upkeep.look();
            }
            present.partitions.onChange(delta, image);
        }
    }

    @Override
    public Optional<Partition> partition(TopicPartition name) {
        Serving present = serving;
        return present == null ? Optional.empty() : present.partitions.log(name);
    }

    @Override
    public Collection<Partition> partitions() {
        Serving present = serving;
        return present == null ? List.of() : present.partitions.open();
    }

    @Override
    public @Nullable ServedPartition partition(long streamId) {
        for (Partition partition : partitions()) {
            if (partition.stream().streamId() == streamId) {
                return new RealPartition(world, cluster.quorum().ledger.leases(), member, partition);
            }
        }
        return null;
    }

    @Override
    public boolean takesAppends(TopicPartition name, int leaderEpoch) {
        return partition(name)
                .filter(partition ->
                        partition.leaderEpoch() == leaderEpoch && !partition.isFailed() && !partition.isParked())
                .isPresent();
    }

    @Override
    public CompletableFuture<Void> upload() {
        Serving present = serving;
        return present == null || isOver
                ? CompletableFuture.completedFuture(null)
                : present.storage.streams().uploadNow();
    }

    @Override
    public void closeCleanly() {
        upload().whenComplete((nothing, error) -> end());
    }

    @Override
    public void end() {
        isOver = true;
        Serving present = serving;
        serving = null;
        if (present != null) {
            present.loads.close();
            present.upkeep.close();
            present.partitions.close();
        }
        Cancellable watching = walWatch;
        if (watching != null) {
            watching.cancel();
        }
        ProcessStorage storage = opened;
        opened = null;
        if (storage != null) {
            storage.close();
        }
    }

    @Override
    public void processDied() {
        isOver = true;
        serving = null;
        ProcessStorage storage = opened;
        if (storage != null) {
            storage.forget();
        }
    }
}
