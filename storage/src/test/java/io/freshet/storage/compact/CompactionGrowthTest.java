// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.fake.MemoryStreamMetadata;
import io.freshet.storage.fake.SimRuntime;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hours of small writes to many partitions in virtual time; objects have their real sizes but no bytes. */
class CompactionGrowthTest {
    private static final long MIB = 1 << 20;
    private static final int PARTITIONS = 1000;
    private static final int ROUND_MINUTES = 4;
    private static final int BROKER = 1;

    private final SimRuntime sim = new SimRuntime(1_000_000);
    private final MemoryStreamMetadata metadata = new MemoryStreamMetadata(sim);
    private final CompactionPlanner planner = new CompactionPlanner(CompactionConfig.Shape.defaults());
    private final Map<Long, List<StreamSegment>> contents = new TreeMap<>();
    private long ingestedBytes;
    private long rewrittenBytes;
    private int maxObjects;
    private long ended;

    @ParameterizedTest(name = "{0} B/s in each of 1000 partitions for {1} h")
    @CsvSource({"100, 24, 0", "1000, 8, 0", "10000, 8, 2"})
    void objectsGrowWithBytesNotWithTime(long bytesPerSecond, int hours, int retentionHours) {
        for (long stream = 0; stream < PARTITIONS; stream++) {
            metadata.createStream(stream, BROKER, 1);
        }
        List<Double> averages = new ArrayList<>();
        for (int minute = 1; minute <= hours * 60; minute++) {
            sim.advance(60_000);
            upload(bytesPerSecond * 60);
            if (retentionHours > 0 && minute > retentionHours * 60) {
                trim(minute - retentionHours * 60L);
            }
            if (minute % ROUND_MINUTES == 0) {
                double average = compact();
                if (minute > hours * 30) {
                    averages.add(average);
                }
            }
        }
        double least = averages.stream().mapToDouble(a -> a).min().orElseThrow();
        double amplification = (double) rewrittenBytes / ingestedBytes;
        assertThat(least).as("least average object size in the second half").isGreaterThanOrEqualTo(64 * MIB);
        assertThat(amplification).as("write amplification").isLessThanOrEqualTo(3);
        assertThat(maxObjects).as("objects").isLessThan((int) (ingestedBytes / (64 * MIB)) + 60);
        checkManifests(retentionHours > 0);
    }

    private void upload(long bytes) {
        List<SegmentCommit> commits = new ArrayList<>();
        List<StreamSegment> segments = new ArrayList<>();
        long perObject = 256 * MIB / bytes;
        long object = newId();
        for (long stream = 0; stream < PARTITIONS; stream++) {
            if (segments.size() == perObject) {
                commit(object, segments, commits);
                segments = new ArrayList<>();
                commits = new ArrayList<>();
                object = newId();
            }
            StreamSegment segment = new StreamSegment(stream, ended, ended + 60, object, bytes, 0, 0);
            segments.add(segment);
            commits.add(new SegmentCommit(segment, 1));
        }
        commit(object, segments, commits);
        ended += 60;
        ingestedBytes += PARTITIONS * bytes;
    }

    private void commit(long object, List<StreamSegment> segments, List<SegmentCommit> commits) {
        long bytes = segments.stream().mapToLong(StreamSegment::sizeBytes).sum();
        assertThat(sim.await(metadata.commitObject(new ObjectCommit(object, bytes, BROKER, 1, commits))))
                .isEmpty();
        contents.put(object, segments);
    }

    private long newId() {
        return sim.await(metadata.reserveObjectIds(1)).first();
    }

    private void trim(long minutes) {
        for (long stream = 0; stream < PARTITIONS; stream++) {
            sim.await(metadata.trimStream(stream, 1, minutes * 60));
        }
    }

    /** What a round does, without bytes; gives the objects' average size before it. */
    private double compact() {
        Survey survey = Survey.of(metadata, metadata, new SurveyTable(ByteBuffer::allocate));
        maxObjects = Math.max(maxObjects, survey.objects().size());
        List<Rewrite> rewrites = new ArrayList<>();
        for (Gather gather : planner.gathers(survey.objects())) {
            List<StreamSegment> live = new ArrayList<>();
            for (ObjectShare input : gather.inputs()) {
                for (StreamSegment segment : contents.getOrDefault(input.objectId(), List.of())) {
                    if (metadata.segments(segment.streamId(), segment.startOffset(), 1)
                            .contains(segment)) {
                        live.add(segment);
                    }
                }
            }
            rewrites.addAll(planner.layout(live));
        }
        survey.forEachStream(manifest ->
                rewrites.addAll(planner.merges(manifest, id -> survey.object(id).orElse(null))));
        rewrites.forEach(this::rewrite);
        return (double) survey.sizeBytes() / survey.objects().size();
    }

    private void rewrite(Rewrite rewrite) {
        long object = newId();
        List<StreamSegment> made = rewrite.groups().stream()
                .map(group -> new StreamSegment(
                        group.streamId(), group.startOffset(), group.endOffset(), object, group.sizeBytes(), 0, 0))
                .toList();
        Set<Long> refused = sim.await(metadata.replace(new SegmentReplacement(
                BROKER,
                1,
                List.of(new SegmentReplacement.NewObject(object, rewrite.sizeBytes())),
                rewrite.inputs(),
                made)));
        assertThat(refused).isEmpty();
        contents.put(object, made);
        rewrittenBytes += rewrite.sizeBytes();
    }

    private void checkManifests(boolean isTrimmed) {
        for (long stream = 0; stream < PARTITIONS; stream++) {
            List<StreamSegment> manifest = metadata.segments(stream, 0, Integer.MAX_VALUE);
            for (int i = 1; i < manifest.size(); i++) {
                assertThat(manifest.get(i).startOffset())
                        .isEqualTo(manifest.get(i - 1).endOffset());
            }
            assertThat(isTrimmed || manifest.get(0).startOffset() == 0).isTrue();
            assertThat(manifest.get(manifest.size() - 1).endOffset()).isEqualTo(ended);
        }
    }
}
