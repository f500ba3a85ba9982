// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.StreamSegment;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.record.ObjectRecord;
import io.freshet.metadata.record.ReplaceSegmentsRecord;
import io.freshet.metadata.record.ReplaceSegmentsRecord.RemovedSegment;
import io.freshet.wal.WalEntry;
import io.freshet.wal.WriteAheadLog;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Breaks the product on purpose, one thing at a time, and counts the seeds until the simulator has seen it. */
class SabotageTest {
    private static final int MAX_SEEDS = 400;

    @TempDir
    Path directory;

    private void requireFound(String what, Sabotage sabotage) {
        try (StatePool states = new StatePool(directory)) {
            for (int seed = 1; seed <= MAX_SEEDS; seed++) {
                Outcome outcome = Simulation.run(seed, sabotage, states, null);
                if (outcome.violation() != null) {
                    System.out.println("Sabotage found after " + seed + " seeds: " + what + ": " + outcome.violation());
                    return;
                }
            }
        }
        assertThat(MAX_SEEDS).as(what + " was not found within so many seeds").isNegative();
    }

    @Test
    void findsAPutIfAbsentThatAlwaysPuts() {
        requireFound("fence: put instead of put-if-absent", new Sabotage() {
            @Override
            public boolean putsAlways() {
                return true;
            }
        });
    }

    @Test
    void findsAnAcknowledgementBeforeTheWrite() {
        requireFound("acknowledgement before the record is durable", new Sabotage() {
            @Override
            public WriteAheadLog wal(WriteAheadLog real, SimProcess process, SimRandom random) {
                return new TamperedWal(real) {
                    @Override
                    public void append(WalEntry entry) {
                        if (random.chance(0.05)) {
                            process.pool().execute(() -> entry.onDurable(real.endLsn()));
                        } else {
                            super.append(entry);
                        }
                    }
                };
            }
        });
    }

    @Test
    void findsCommitsThatCompareNothing() {
        requireFound("commit: neither epochs nor offsets are compared", new Sabotage() {
            @Override
            public ClusterController controller(SimQuorum quorum) {
                return tampered(quorum, "commitObject", command -> committed(quorum, (ObjectCommit) command));
            }
        });
    }

    private static List<ApiMessageAndVersion> committed(SimQuorum quorum, ObjectCommit commit) {
        List<StreamSegment> segments =
                commit.segments().stream().map(SegmentCommit::segment).toList();
        return List.of(new ObjectRecord(
                        commit.objectId(), commit.sizeBytes(), quorum.process().wallMs(), segments)
                .versioned());
    }

    /** The quorum's commands, of which {@code name} does what {@code records} says without a look at the state. */
    private static ClusterController tampered(
            SimQuorum quorum, String name, Function<Object, List<ApiMessageAndVersion>> records) {
        return (ClusterController) Proxy.newProxyInstance(
                SabotageTest.class.getClassLoader(), new Class<?>[] {ClusterController.class}, (self, method, args) -> {
                    if (method.getName().equals(name)) {
                        quorum.order(image -> records.apply(args[0]));
                        return CompletableFuture.completedFuture(Set.of());
                    }
                    try {
                        return method.invoke(quorum.controller(), args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @Test
    void findsAcknowledgementsThatDoNotWaitForEarlierSlots() {
        requireFound("order: a slot is acknowledged before the slots below it", new EarlyAcknowledgement());
    }

    @Test
    void findsACompareAndSwapThatDoesNotCompare() {
        requireFound("compare-and-swap: replaced segments are not compared", new Sabotage() {
            @Override
            public ClusterController controller(SimQuorum quorum) {
                return tampered(quorum, "replaceSegments", command -> replaced(quorum, (SegmentReplacement) command));
            }
        });
    }

    private static List<ApiMessageAndVersion> replaced(SimQuorum quorum, SegmentReplacement wanted) {
        List<RemovedSegment> removed = wanted.removed().stream()
                .map(segment -> new RemovedSegment(segment.streamId(), segment.startOffset(), segment.objectId()))
                .toList();
        return List.of(
                new ReplaceSegmentsRecord(quorum.process().wallMs(), wanted.objects(), removed, wanted.inserted())
                        .versioned());
    }

    @Test
    void findsAReaderThatDoesNotCheckWhatItReads() {
        requireFound("reader: no checksum is compared", new Sabotage() {
            @Override
            public io.freshet.storage.read.SegmentReader reader(
                    io.freshet.storage.read.SegmentReader real, SimRandom random) {
                return (io.freshet.storage.read.SegmentReader) Proxy.newProxyInstance(
                        SabotageTest.class.getClassLoader(),
                        new Class<?>[] {io.freshet.storage.read.SegmentReader.class},
                        (self, method, args) -> {
                            Object result;
                            try {
                                result = method.invoke(real, args);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                            if (!method.getName().equals("read")) {
                                return result;
                            }
                            return ((java.util.concurrent.CompletableFuture<?>) result)
                                    .thenApply(read -> damaged(read, random));
                        });
            }
        });
    }

    /** A flipped bit in the first batch's records, now and then, as a checksum would have caught it. */
    private static Object damaged(Object result, SimRandom random) {
        var read = (io.freshet.storage.StreamLog.StreamRead) result;
        if (read.batches().isEmpty() || !random.chance(0.02)) {
            return read;
        }
        ByteBuffer view = read.batches().get(0).view();
        ByteBuffer copy = ByteBuffer.allocate(view.remaining());
        copy.put(view).flip();
        copy.put(copy.limit() - 1, (byte) (copy.get(copy.limit() - 1) ^ 4));
        List<io.freshet.common.buffer.SharedBytes> pieces = new java.util.ArrayList<>(read.batches());
        pieces.set(0, io.freshet.common.buffer.SharedBytes.unpooled(copy));
        read.batches().get(0).release();
        return new io.freshet.storage.StreamLog.StreamRead(pieces, read.startOffset(), read.endOffset());
    }
}
