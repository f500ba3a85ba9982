// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.MoveWish;
import io.freshet.metadata.record.MemberRecord;
import io.freshet.metadata.record.MetadataLogSerde;
import io.freshet.metadata.record.MoveWishRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.zip.CRC32C;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.RegisterBrokerRecord;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.TopicDelta;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.jspecify.annotations.Nullable;

/** What every node has said of the log, and must not contradict. */
public final class QuorumLedger {
    private static final MetadataLogSerde SERDE = new MetadataLogSerde();

    private final QuorumWorld world;
    private final LeaseLedger leases;
    private final RecordLedger records = new RecordLedger(this);
    private final CommandLedger commands = new CommandLedger(this);
    private final Map<Integer, Integer> leaders = new HashMap<>();
    private final TreeMap<Long, Committed> committed = new TreeMap<>();
    private final Map<Owned, String> owners = new HashMap<>();
    private final Map<PartitionEpoch, Integer> partitionLeaders = new HashMap<>();
    private final List<Long> wishedAtNanos = new ArrayList<>();
    private final Set<Uuid> registered = new HashSet<>();
    private Consumer<Batch<ApiMessageAndVersion>> onCommitted = batch -> {};
    private @Nullable String violation;

    public QuorumLedger(QuorumWorld world) {
        this.world = world;
        this.leases = new LeaseLedger(world, this);
    }

    private record Committed(long lastOffset, int epoch, long digest) {}

    private record Owned(long streamId, int leaderEpoch) {}

    private record PartitionEpoch(Uuid topicId, int partition, int leaderEpoch) {}

    public LeaseLedger leases() {
        return leases;
    }

    public RecordLedger records() {
        return records;
    }

    public CommandLedger commands() {
        return commands;
    }

    @Nullable
    public String violation() {
        return violation;
    }

    public void violated(String what) {
        if (violation == null) {
            violation = what;
            world.time.say(world.process, () -> "VIOLATION: " + what);
        }
    }

    public void check(boolean holds, Supplier<String> otherwise) {
        if (!holds) {
            violated(otherwise.get());
        }
    }

    /** A node believes that it leads. */
    public void leads(NodeRun run, int epoch) {
        Integer before = leaders.putIfAbsent(epoch, run.id());
        if (before == null) {
            world.counts.add("leader is elected");
            world.time.note(run.process(), "leads in epoch", epoch, 0);
        } else {
            check(before == run.id(), () -> "Nodes " + before + " and " + run.id() + " both lead in epoch " + epoch);
        }
    }

    /** {@code listener} is shown each committed batch once, when the first node hears of it. */
    public void onCommitted(Consumer<Batch<ApiMessageAndVersion>> listener) {
        onCommitted = listener;
    }

    /** The last offset that anybody has called committed. */
    public long committedEnd() {
        return committed.isEmpty() ? -1 : committed.lastEntry().getValue().lastOffset;
    }

    /** A node has been told that a batch is committed. */
    public void committed(NodeRun run, Batch<ApiMessageAndVersion> batch) {
        Committed now = new Committed(batch.lastOffset(), batch.epoch(), digest(batch));
        Committed before = committed.putIfAbsent(batch.baseOffset(), now);
        if (before != null) {
            check(
                    before.equals(now),
                    () -> "What is committed at " + batch.baseOffset() + " was " + before + ", and is " + now
                            + " for node " + run.id());
            return;
        }
        Map.Entry<Long, Committed> lower = committed.lowerEntry(batch.baseOffset());
        check(
                lower == null || lower.getValue().lastOffset < batch.baseOffset(),
                () -> "Batch " + batch.baseOffset() + " overlaps with the one committed at " + lower);
        world.time.note(run.process(), "commits", batch.baseOffset(), now.digest);
        onCommitted.accept(batch);
        world.time.say(run.process(), () -> "commits " + batch);
        for (ApiMessageAndVersion entry : batch.records()) {
            if (entry.message() instanceof RegisterBrokerRecord broker) {
                check(
                        registered.add(broker.incarnationId()),
                        () -> "Process " + broker.incarnationId() + " of broker " + broker.brokerId()
                                + " was registered twice");
            } else if (entry.message() instanceof MoveWishRecord wish
                    && wish.wish().targetBrokerId() != MoveWish.NONE) {
                wishedAtNanos.add(world.time.nowNanos());
            } else if (entry.message() instanceof MemberRecord member
                    && member.member().isLapsed()) {
                leases.lapsed(member.member(), leaders.getOrDefault(batch.epoch(), -1));
            }
        }
    }

    /** When moves were wished for, from {@code sinceNanos} on. */
    public List<Long> wishedSince(long sinceNanos) {
        return wishedAtNanos.stream().filter(at -> at >= sinceNanos).toList();
    }

    private static long digest(Batch<ApiMessageAndVersion> batch) {
        CRC32C digest = new CRC32C();
        for (ApiMessageAndVersion entry : batch.records()) {
            ObjectSerializationCache cache = new ObjectSerializationCache();
            ByteBuffer bytes = ByteBuffer.allocate(SERDE.recordSize(entry, cache));
            SERDE.write(entry, cache, new ByteBufferAccessor(bytes));
            digest.update(bytes.flip());
        }
        return digest.getValue();
    }

    /** A node's image has changed: epochs never go back, and each names one leader. */
    public void seen(NodeRun run, MetadataDelta delta, MetadataImage image) {
        if (delta.topicsDelta() != null) {
            for (TopicDelta topic : delta.topicsDelta().changedTopics().values()) {
                topic.partitionChanges().forEach((partition, now) -> {
                    named(run, new PartitionEpoch(topic.id(), partition, now.leaderEpoch), now);
                    PartitionRegistration before = topic.image().partitions().get(partition);
                    check(
                            before == null
                                    || now.leaderEpoch > before.leaderEpoch
                                    || (now.leaderEpoch == before.leaderEpoch && now.leader == before.leader),
                            () -> "Partition " + topic.name() + "-" + partition + " went from " + before + " to " + now
                                    + " on node " + run.id());
                });
            }
        }
        Member broker = run.broker();
        if (broker != null) {
            broker.onImage(delta, image);
        }
    }

    private void named(NodeRun run, PartitionEpoch which, PartitionRegistration now) {
        Integer before = partitionLeaders.putIfAbsent(which, now.leader);
        check(
                before == null || before == now.leader,
                () -> which + " is led by " + before + ", and by " + now.leader + " for node " + run.id());
    }

    /** A registration of a broker, {@code owner}, has opened a stream: nobody else does so under this leader epoch. */
    public void opened(long streamId, int leaderEpoch, String owner) {
        String before = owners.putIfAbsent(new Owned(streamId, leaderEpoch), owner);
        check(
                before == null || before.equals(owner),
                () -> "Stream " + streamId + " is opened by " + owner + " under leader epoch " + leaderEpoch
                        + ", under which " + before + " had it");
    }

    /** Raft, or the state machine, has given up. */
    public void failed(NodeRun run, Throwable fault) {
        world.time.say(run.process(), () -> {
            java.io.StringWriter stack = new java.io.StringWriter();
            fault.printStackTrace(new java.io.PrintWriter(stack));
            return "fails: " + stack;
        });
        violated("Node " + run.id() + " cannot go on: " + fault);
    }
}
