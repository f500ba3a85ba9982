// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.StreamSegment;
import io.freshet.tests.sim.SimProcess;
import io.freshet.tests.sim.SimRandom;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** What a broker has in its WAL goes into objects, one after the other, which are committed by the quorum. */
final class ThinUploads {
    private final QuorumWorld world;
    private final ThinStorage storage;
    private final Member broker;
    private final SimProcess process;
    private final SimRandom random;
    private final List<Wait> waiting = new ArrayList<>();
    private boolean isBusy;

    ThinUploads(QuorumWorld world, ThinStorage storage, SimProcess process, SimRandom random) {
        this.world = world;
        this.storage = storage;
        this.broker = storage.member();
        this.process = process;
        this.random = random;
    }

    private record Wait(Map<ThinPartition, Long> ends, CompletableFuture<Void> done) {
        boolean isOver() {
            return ends.entrySet().stream()
                    .allMatch(
                            entry -> entry.getKey().isClosed() || entry.getKey().committedEnd() >= entry.getValue());
        }
    }

    void start() {
        process.after(random.between(100, 1_500), "upload", () -> {
            if (!broker.isOver()) {
                begin();
                start();
            }
        });
    }

    /** Completes when all that was appended before is committed. */
    CompletableFuture<Void> upload() {
        Map<ThinPartition, Long> ends = new HashMap<>();
        storage.partitions().forEach(partition -> ends.put(partition, partition.end()));
        Wait wait = new Wait(ends, new CompletableFuture<>());
        waiting.add(wait);
        begin();
        return wait.done;
    }

    private boolean hasMore() {
        return storage.partitions().stream()
                .anyMatch(partition -> !partition.uncommitted().isEmpty());
    }

    private void begin() {
        tell();
        if (isBusy || broker.isOver()) {
            return;
        }
        if (hasMore()) {
            isBusy = true;
            reserve();
        } else if (!waiting.isEmpty()) {
            process.after(5, "wait for the WAL", this::begin);
        }
    }

    private void tell() {
        for (Iterator<Wait> each = waiting.iterator(); each.hasNext(); ) {
            Wait wait = each.next();
            if (wait.isOver() || broker.isOver()) {
                each.remove();
                wait.done.complete(null);
            }
        }
    }

    private void reserve() {
        broker.controller().reserveObjectIds(1).whenComplete((ids, error) -> {
            if (error == null) {
                world.ledger.commands().gotObjectIds(ids);
                commit(object(ids.first()));
            } else {
                again(this::reserve);
            }
        });
    }

    private void again(Runnable task) {
        process.after(random.between(50, 500), "upload again", () -> {
            if (!broker.isOver()) {
                task.run();
            }
        });
    }

    private record Upload(ObjectCommit commit, Map<Long, ThinPartition> partitions) {}

    private Upload object(long objectId) {
        List<SegmentCommit> segments = new ArrayList<>();
        Map<Long, ThinPartition> partitions = new HashMap<>();
        for (ThinPartition partition : storage.partitions()) {
            TreeMap<Long, Long> values = partition.uncommitted();
            if (!values.isEmpty()) {
                world.ledger.records().wrote(objectId, partition.streamId(), values);
                StreamSegment segment = new StreamSegment(
                        partition.streamId(), values.firstKey(), values.lastKey() + 1, objectId, values.size(), 0, 0);
                segments.add(new SegmentCommit(segment, partition.leaderEpoch()));
                partitions.put(partition.streamId(), partition);
            }
        }
        segments.sort(Comparator.comparingLong(commit -> commit.segment().streamId()));
        return new Upload(new ObjectCommit(objectId, 1_000, broker.id(), broker.brokerEpoch(), segments), partitions);
    }

    private void commit(Upload upload) {
        broker.controller().commitObject(upload.commit).whenComplete((refused, error) -> {
            if (error == null) {
                committed(upload, refused);
            } else if (FreshetException.of(error).kind() == ErrorKind.FENCED) {
                broker.end("its commit is fenced");
            } else {
                world.counts.add("commit is tried again");
                again(() -> commit(upload));
            }
        });
    }

    private void committed(Upload upload, Set<Long> refused) {
        for (SegmentCommit segment : upload.commit.segments()) {
            long streamId = segment.segment().streamId();
            ThinPartition partition = upload.partitions.get(streamId);
            if (refused.contains(streamId)) {
                world.counts.add("segment is refused");
            } else if (partition != null) {
                partition.committed(segment.segment().endOffset());
            }
        }
        isBusy = false;
        tell();
        if (!waiting.isEmpty()) {
            process.after(5, "upload more", this::begin);
        }
    }
}
