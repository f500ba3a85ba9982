// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.stream.StreamState;
import io.freshet.common.stream.WalState;
import io.freshet.metadata.Manifests;
import io.freshet.tests.sim.SimProcess;
import io.freshet.tests.sim.SimRandom;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;
import org.jspecify.annotations.Nullable;

/** Partitions whose records are numbers and whose WALs are {@link SharedWals}. */
final class ThinStorage implements MemberStorage {
    private final QuorumWorld world;
    private final Member member;
    private final SimProcess process;
    private final SimRandom random;
    private final TreeMap<String, ThinPartition> open = new TreeMap<>();
    private final ThinUploads uploads;
    private @Nullable ThinWal wal;

    ThinStorage(QuorumWorld world, Member member) {
        this.world = world;
        this.member = member;
        this.process = member.run().process();
        this.random = member.run().random().fork();
        this.uploads = new ThinUploads(world, this, process, random.fork());
    }

    Member member() {
        return member;
    }

    ThinWal wal() {
        ThinWal mine = wal;
        if (mine == null) {
            throw new IllegalStateException(member + " has no WAL yet");
        }
        return mine;
    }

    /** The lane that any broker can take over. */
    @Override
    public List<String> lanes() {
        return List.of("s3");
    }

    @Override
    public CompletableFuture<Void> open() {
        if (wal == null) {
            wal = new ThinWal(
                    world, member.run(), member.id(), member.brokerEpoch(), () -> member.end("its WAL is fenced"));
        }
        return member.controller().openWal(member.id(), member.brokerEpoch());
    }

    @Override
    public void start() {
        uploads.start();
        new ThinUpkeep(world, this, process, random.fork()).start();
        follow(member.run().quorum().image());
    }

    @Override
    public void onImage(MetadataDelta delta, MetadataImage image) {
        follow(image);
    }

    @Override
    public Optional<ThinPartition> partition(TopicPartition name) {
        return Optional.ofNullable(open.get(name.toString()));
    }

    @Override
    public Collection<ThinPartition> partitions() {
        return open.values();
    }

    @Override
    public boolean takesAppends(TopicPartition name, int leaderEpoch) {
        return partition(name)
                .filter(partition -> partition.leaderEpoch() == leaderEpoch && partition.takesAppends())
                .isPresent();
    }

    @Override
    public CompletableFuture<Void> upload() {
        return uploads.upload();
    }

    /** Opens what it owns, once nobody else can write what an earlier process of this broker wrote, and closes the rest. */
    private void follow(MetadataImage image) {
        if (member.isOver()) {
            return;
        }
        TreeMap<String, PartitionRegistration> owned = new TreeMap<>();
        TreeMap<String, TopicIdPartition> ids = new TreeMap<>();
        for (TopicImage topic : image.topics().topicsById().values()) {
            topic.partitions().forEach((number, registration) -> {
                if (member.ownership().owns(image, registration)) {
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
        boolean mayOpen = member.manifests().wals(member.id()).stream()
                .filter(earlier -> earlier.brokerEpoch() < member.brokerEpoch())
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
        member.ready();
    }

    private void open(TopicIdPartition partition, PartitionRegistration registration) {
        Manifests manifests = member.manifests();
        long streamId =
                manifests.streamId(partition.topicId(), partition.partition()).orElse(-1);
        StreamState stream = manifests.stream(streamId).orElse(null);
        if (stream == null) {
            return;
        }
        TreeMap<Long, Long> tail = new TreeMap<>();
        for (WalState sealed : manifests.wals()) {
            if (sealed.isSealed()) {
                world.wals.collect(sealed.brokerId(), sealed.brokerEpoch(), streamId, stream.endOffset(), tail);
            }
        }
        ThinPartition opened =
                new ThinPartition(this, partition, streamId, registration.leaderEpoch, stream.endOffset(), tail);
        world.counts.add("partition is opened");
        world.time.note(process, "opens stream", streamId, registration.leaderEpoch);
        world.ledger.records().opened(opened, new TreeMap<>(tail), stream.endOffset(), opened.end());
        open.put(partition.topicPartition().toString(), opened);
    }

    private void close(String name) {
        ThinPartition closing = open.remove(name);
        if (closing != null) {
            world.time.note(process, "closes stream", closing.streamId(), closing.leaderEpoch());
            closing.close();
        }
    }

    @Override
    public void end() {
        List.copyOf(open.keySet()).forEach(this::close);
    }

    @Override
    public void processDied() {
        end();
    }

    @Override
    public String toString() {
        return member.toString();
    }
}
