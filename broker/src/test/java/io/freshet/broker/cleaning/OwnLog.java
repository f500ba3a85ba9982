// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cleaning;

import io.freshet.broker.fake.ManualScheduler;
import io.freshet.broker.partition.CleanablePartition;
import io.freshet.common.buffer.SharedBytes;
import io.freshet.common.runtime.Clock;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.StreamSegment;
import io.freshet.objectstore.ObjectStore;
import io.freshet.objectstore.ObjectStores;
import io.freshet.storage.SegmentCheckpoint;
import io.freshet.storage.SegmentCheckpoint.AbortedTransaction;
import io.freshet.storage.compact.CompactionConfig;
import io.freshet.storage.compact.CompactionParts;
import io.freshet.storage.compact.StreamRewriter;
import io.freshet.storage.format.EncodedObject;
import io.freshet.storage.format.ObjectEncoder;
import io.freshet.storage.format.SegmentContent;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.storage.internals.log.LastRecord;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.jspecify.annotations.Nullable;

/** One partition's committed segments in objects in memory, and what a partition tells its cleaner. */
final class OwnLog {
    static final long STREAM = 42;
    static final TopicIdPartition ID = new TopicIdPartition(Uuid.ONE_UUID, 0, "topic");

    long logStartOffset;
    long highWatermark;
    long lastStableOffset;
    long cleanedEndOffset;
    long replacedUpTo;
    Map<Long, LastRecord> lastRecords = Map.of();
    final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    final ManualScheduler scheduler = new ManualScheduler();
    final ManualClock clock = new ManualClock();
    final MemoryManifest manifest = new MemoryManifest(STREAM);
    final ObjectStore store = ObjectStores.open("memory:cleaning", meters, clock, scheduler, () -> 0x5DEECE66DL);
    final CompactionParts parts = new CompactionParts(
            store, manifest, manifest, clock, scheduler, () -> 7, Runnable::run, meters, () -> false, 3_600_000, 1, 1);
    final StreamRewriter rewriter =
            new StreamRewriter(CompactionConfig.defaults().withPace(1, 1L << 50), parts);
    final CleanablePartition partition = (CleanablePartition) Proxy.newProxyInstance(
            OwnLog.class.getClassLoader(),
            new Class<?>[] {CleanablePartition.class},
            (proxy, method, arguments) -> answer(method.getName(), arguments));

    private @Nullable Object answer(String method, Object[] arguments) {
        switch (method) {
            case "id":
                return ID;
            case "leaderEpoch":
                return 3;
            case "logStartOffset":
                return logStartOffset;
            case "highWatermark":
                return highWatermark;
            case "lastStableOffset":
                return lastStableOffset;
            case "committedEndOffset":
                return committedEndOffset();
            case "cleanedEndOffset":
                return cleanedEndOffset;
            case "segments":
                return List.copyOf(manifest.segments);
            case "cleaned":
                cleanedEndOffset = Math.max(cleanedEndOffset, (long) arguments[0]);
                return null;
            case "segmentsReplaced":
                replacedUpTo = (long) arguments[0];
                return null;
            case "lastRecordsOfProducers":
                return lastRecords;
            case "abortedTransactions":
                return aborted((long) arguments[0], (long) arguments[1]);
            default:
                throw new UnsupportedOperationException(method);
        }
    }

    /** Time that a test sets. */
    static final class ManualClock implements Clock {
        long nowMs = 1_700_000_000_000L;

        @Override
        public long wallMs() {
            return nowMs;
        }

        @Override
        public long nanoTime() {
            return nowMs * 1_000_000;
        }
    }

    long committedEndOffset() {
        return manifest.segments.isEmpty()
                ? 0
                : manifest.segments.get(manifest.segments.size() - 1).endOffset();
    }

    /** Takes over what the owner of {@code log} knows of offsets and producers. */
    void know(UnifiedLog log) {
        highWatermark = log.highWatermark();
        lastStableOffset = log.lastStableOffset();
        lastRecords = log.lastRecordsOfActiveProducers();
    }

    /** Uploads and commits a segment in small blocks. */
    StreamSegment commit(
            long startOffset,
            long endOffset,
            List<ByteBuffer> batches,
            List<AbortedTransaction> aborted,
            byte[] state) {
        long id = manifest.newId();
        ObjectEncoder encoder = new ObjectEncoder(id, 1, 4096);
        encoder.add(new SegmentContent(
                STREAM,
                startOffset,
                endOffset,
                batches.stream().map(SharedBytes::unpooled).toList(),
                new SegmentCheckpoint(endOffset, List.of(), state, aborted)));
        EncodedObject object = encoder.finish();
        await(store.put(ObjectKeys.dataKey(id), object.body()));
        manifest.segments.addAll(object.segments());
        return object.segments().get(0);
    }

    /** All batches that begin below {@code endOffset}. */
    List<ByteBuffer> batches(long endOffset) {
        List<ByteBuffer> all = new ArrayList<>();
        await(rewriter.scan(List.copyOf(manifest.segments), new StreamRewriter.Visitor() {
            @Override
            public boolean batches(ByteBuffer batches) {
                all.addAll(LogText.split(batches, endOffset));
                return true;
            }

            @Override
            public void ended(StreamSegment segment) {}
        }));
        return all;
    }

    List<AbortedTransaction> abortedInTrailers() {
        List<AbortedTransaction> all = new ArrayList<>();
        for (StreamSegment segment : manifest.segments) {
            all.addAll(await(rewriter.checkpoint(segment)).abortedTransactions());
        }
        return all;
    }

    private CompletableFuture<List<AbortedTransaction>> aborted(long fromOffset, long toOffset) {
        return CompletableFuture.completedFuture(abortedInTrailers().stream()
                .filter(one -> one.lastOffset() >= fromOffset && one.firstOffset() < toOffset)
                .toList());
    }

    CleanableRange range(LogConfig topic) {
        return CleaningPolicy.range(partition, partition.segments(), topic, clock.wallMs());
    }

    /** Runs one pass over what may be cleaned. */
    Optional<Long> clean(CleaningConfig config, LogConfig topic) {
        return await(new CleaningPass(
                        config, rewriter, new CleaningMeters(meters), Runnable::run, partition, topic, clock.wallMs())
                .run(range(topic), partition.segments()));
    }

    static <T> T await(CompletableFuture<T> future) {
        try {
            return future.get(20, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
