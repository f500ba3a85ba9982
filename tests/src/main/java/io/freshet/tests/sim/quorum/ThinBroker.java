// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.broker.handover.HandOverParts;
import io.freshet.broker.handover.HandOvers;
import io.freshet.broker.membership.Membership;
import io.freshet.broker.membership.MembershipConfig;
import io.freshet.broker.partition.MovingPartitions;
import io.freshet.broker.partition.Ownership;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.HeartbeatAnswer;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.Manifests;
import io.freshet.metadata.QuorumNode;
import io.freshet.tests.sim.SimProcess;
import io.freshet.tests.sim.SimRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;

/**
 * One registration of a broker, from its first command until its session is over: the real membership, lease and hand-overs
 * around partitions whose records are numbers and whose WALs are {@link SharedWals}.
 */
final class ThinBroker {
    private static final long ANSWER_MS = 1_000;
    /** The lane that any broker can take over. */
    private static final List<String> LANES = List.of("s3");

    private final QuorumWorld world;
    private final NodeRun run;
    private final SimProcess process;
    private final SimRandom random;
    private final QuorumNode quorum;
    private final int id;
    private final Uuid incarnationId;
    private final TreeMap<String, ThinPartition> open = new TreeMap<>();
    private final ThinUploads uploads;
    private long brokerEpoch = -1;
    private @Nullable Membership membership;
    private @Nullable HandOvers handOvers;
    private @Nullable ThinWal wal;
    private boolean isJoined;
    private boolean isReady;
    private boolean isOver;

    ThinBroker(QuorumWorld world, NodeRun run) {
        this.world = world;
        this.run = run;
        this.process = run.process();
        this.random = run.random().fork();
        this.quorum = run.quorum();
        this.id = run.id();
        this.incarnationId = new Uuid(random.nextLong() | 1, random.nextLong());
        this.uploads = new ThinUploads(world, this, process, random.fork());
    }

    int id() {
        return id;
    }

    long brokerEpoch() {
        return brokerEpoch;
    }

    QuorumLedger ledger() {
        return world.ledger;
    }

    ClusterController controller() {
        return quorum.controller();
    }

    Manifests manifests() {
        return quorum.manifests();
    }

    ThinWal wal() {
        ThinWal mine = wal;
        if (mine == null) {
            throw new IllegalStateException("Broker " + id + " has no WAL yet");
        }
        return mine;
    }

    Collection<ThinPartition> partitions() {
        return open.values();
    }

    boolean isOver() {
        return isOver;
    }

    /** Whether it believes that it may act as owner. */
    boolean mayServe() {
        Membership present = membership;
        return isReady && !isOver && present != null && (present.lease().isHeld() || world.sabotage.ignoresLeases());
    }

    void start() {
        if (isOver) {
            return;
        }
        BrokerSpec spec = new BrokerSpec(
                id,
                incarnationId,
                List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092 + id)),
                "rack-" + id % 2,
                LANES);
        controller().registerBroker(spec).whenComplete((registered, error) -> {
            if (error == null) {
                registered(registered);
            } else {
                process.after(random.between(100, 800), "register", this::start);
            }
        });
    }

    private void registered(RegisteredBroker registered) {
        brokerEpoch = registered.brokerEpoch();
        world.time.note(process, "is registered as broker epoch", brokerEpoch, 0);
        wal = new ThinWal(world, run, id, brokerEpoch, () -> end("its WAL is fenced"));
        Membership mine = new Membership(
                new MembershipConfig(id, QuorumWorld.HEARTBEAT_MS, ANSWER_MS),
                this::heartbeat,
                () -> quorum.state().appliedOffset(),
                process,
                process,
                run.meters());
        membership = mine;
        mine.start(brokerEpoch);
        mine.over().thenAccept(over -> end(String.valueOf(over.reason().getMessage())));
        quorum.awaitOffset(registered.offset()).thenRun(this::openWal);
    }

    private CompletableFuture<HeartbeatAnswer> heartbeat(BrokerHeartbeat heartbeat) {
        long sentNanos = world.time.nowNanos();
        return controller().heartbeat(heartbeat).thenApply(answer -> {
            if (!answer.isFenced() && !answer.isOver()) {
                world.time.say(
                        process,
                        () -> "has its lease from " + sentNanos / 1_000_000 + " ms on; leader is " + quorum.leaderNode()
                                + ", leads: " + run.leads());
                ledger().records().leased(id, heartbeat.brokerEpoch(), sentNanos);
            }
            return answer;
        });
    }

    private void openWal() {
        if (isOver) {
            return;
        }
        controller().openWal(id, brokerEpoch).whenComplete((opened, error) -> {
            if (error == null) {
                join();
            } else if (FreshetException.of(error).kind() == ErrorKind.FENCED) {
                end("its WAL cannot be opened: " + error.getMessage());
            } else {
                process.after(random.between(100, 800), "open WAL", this::openWal);
            }
        });
    }

    private void join() {
        if (isOver) {
            return;
        }
        isJoined = true;
        HandOvers mine = new HandOvers(new HandOverParts(
                new Ownership(id, brokerEpoch),
                manifests()::wishes,
                manifests()::wishesVersion,
                quorum::image,
                partition -> Optional.ofNullable(open.get(partition.toString())),
                uploads::upload,
                partitions -> controller().handOver(id, brokerEpoch, partitions),
                new MovingPartitions(),
                process,
                process,
                process.thread("hand-over"),
                run.meters()));
        handOvers = mine;
        quorum.addListener(mine);
        uploads.start();
        new ThinUpkeep(world, this, process, random.fork()).start();
        follow(quorum.image());
    }

    /** Tells the cluster that it wants to stop; completes when it may. */
    CompletableFuture<Void> leave() {
        Membership present = membership;
        return present == null ? CompletableFuture.completedFuture(null) : present.leave();
    }

    void onImage(MetadataDelta delta, MetadataImage image) {
        follow(image);
    }

    /** Opens what it owns, once nobody else can write what an earlier process of this broker wrote, and closes the rest. */
    private void follow(MetadataImage image) {
        if (!isJoined || isOver) {
            return;
        }
        Ownership self = new Ownership(id, brokerEpoch);
        TreeMap<String, PartitionRegistration> owned = new TreeMap<>();
        TreeMap<String, TopicIdPartition> ids = new TreeMap<>();
        for (TopicImage topic : image.topics().topicsById().values()) {
            topic.partitions().forEach((number, registration) -> {
                if (self.owns(image, registration)) {
                    TopicPartition name = new TopicPartition(topic.name(), number);
                    owned.put(name.toString(), registration);
                    ids.put(name.toString(), new TopicIdPartition(topic.id(), name));
                }
            });
        }
        for (String name : List.copyOf(open.keySet())) {
            ThinPartition partition = open.get(name);
            PartitionRegistration now = owned.get(name);
            boolean stays = partition != null
                    && now != null
                    && now.leaderEpoch == partition.leaderEpoch()
                    && partition.id().equals(ids.get(name));
            if (!stays) {
                close(name);
            }
        }
        boolean mayOpen = manifests().wals(id).stream()
                .filter(wal -> wal.brokerEpoch() < brokerEpoch)
                .allMatch(WalState::isSealed);
        if (!mayOpen) {
            return;
        }
        owned.forEach((name, registration) -> {
            TopicIdPartition partition = ids.get(name);
            if (partition != null && !open.containsKey(name)) {
                open(partition, registration);
            }
        });
        if (!isReady) {
            isReady = true;
            Membership present = membership;
            if (present != null) {
                present.ready();
            }
        }
    }

    private void open(TopicIdPartition partition, PartitionRegistration registration) {
        long streamId =
                manifests().streamId(partition.topicId(), partition.partition()).orElse(-1);
        StreamState stream = manifests().stream(streamId).orElse(null);
        if (stream == null) {
            return;
        }
        TreeMap<Long, Long> tail = new TreeMap<>();
        for (WalState sealed : manifests().wals()) {
            if (sealed.isSealed()) {
                world.wals.collect(sealed.brokerId(), sealed.brokerEpoch(), streamId, stream.endOffset(), tail);
            }
        }
        ThinPartition opened =
                new ThinPartition(this, partition, streamId, registration.leaderEpoch, stream.endOffset(), tail);
        world.counts.add("partition is opened");
        world.time.note(process, "opens stream", streamId, registration.leaderEpoch);
        ledger().records().opened(opened, new TreeMap<>(tail), stream.endOffset(), opened.end());
        open.put(partition.topicPartition().toString(), opened);
    }

    private void close(String name) {
        ThinPartition closing = open.remove(name);
        if (closing != null) {
            world.time.note(process, "closes stream", closing.streamId(), closing.leaderEpoch());
            closing.close();
        }
    }

    /** This registration is over; the process registers anew. */
    void end(String why) {
        if (isOver) {
            return;
        }
        world.counts.add("registration ends");
        world.time.say(process, () -> "its registration ends: " + why);
        processDied();
        Membership present = membership;
        if (present != null) {
            present.close();
        }
        HandOvers moving = handOvers;
        if (moving != null) {
            moving.close();
        }
        process.after(random.between(50, 500), "register anew", run::join);
    }

    /** Nothing is served any more. */
    void processDied() {
        isOver = true;
        new ArrayList<>(open.keySet()).forEach(this::close);
    }

    @Override
    public String toString() {
        return "broker " + id + " of epoch " + brokerEpoch + (isOver ? ", over" : isReady ? "" : ", not ready");
    }
}
