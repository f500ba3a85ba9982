// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.stream.StreamSegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Decides what is rewritten, as a pure function of objects and manifests. Two kinds of work never touch the same object in
 * one plan: small or mostly dead objects are gathered and laid out anew; in all others, long runs of one stream are taken
 * out of bundles, and a stream's own objects are merged. An object only leaves its class of sizes upward, so that a byte is
 * rewritten at most once per class.
 */
public final class CompactionPlanner {
    /** Small objects are gathered in classes this many times apart. */
    private static final int GATHER_STEP = 16;

    private static final int GATHER_CLASSES = 4;
    /** A gathering makes at most about this many objects of single streams. */
    private static final int MAX_OWN_OBJECTS = 8;

    private static final int LEFT_ALONE = -2;
    private static final int BUNDLED = -1;

    private final CompactionConfig.Shape shape;

    public CompactionPlanner(CompactionConfig.Shape shape) {
        this.shape = shape;
    }

    /** Whether the object waits to be gathered; if so, its segments are left alone by {@link #merges}. */
    public boolean isGathered(ObjectShare object) {
        boolean isSmall = object.liveBytes() < shape.smallBytes()
                && (object.isBundle() || object.liveBytes() < shape.streamObjectBytes());
        boolean isMostlyDead = object.liveBytes() < shape.minLiveShare() * object.sizeBytes()
                && object.liveBytes() < shape.maxBundleBytes();
        return isSmall || isMostlyDead;
    }

    /** What to gather of {@code objects}, oldest first in each class. */
    public List<Gather> gathers(Collection<ObjectShare> objects) {
        List<List<ObjectShare>> classes = new ArrayList<>();
        for (int i = 0; i < GATHER_CLASSES; i++) {
            classes.add(new ArrayList<>());
        }
        for (ObjectShare object : objects) {
            if (isGathered(object)) {
                classes.get(gatherClass(object.liveBytes())).add(object);
            }
        }
        List<Gather> gathers = new ArrayList<>();
        for (int i = 0; i < GATHER_CLASSES; i++) {
            List<ObjectShare> members = classes.get(i);
            members.sort(Comparator.comparingLong(ObjectShare::objectId));
            gatherClass(members, gatherTarget(i), gathers);
        }
        return gathers;
    }

    private void gatherClass(List<ObjectShare> members, long targetBytes, List<Gather> gathers) {
        List<ObjectShare> group = new ArrayList<>();
        long groupBytes = 0;
        for (ObjectShare member : members) {
            if (group.size() == shape.maxInputs() || groupBytes + member.liveBytes() > shape.maxBundleBytes()) {
                addIfWorth(group, groupBytes, targetBytes, gathers);
                group = new ArrayList<>();
                groupBytes = 0;
            }
            group.add(member);
            groupBytes += member.liveBytes();
        }
        addIfWorth(group, groupBytes, targetBytes, gathers);
    }

    private void addIfWorth(List<ObjectShare> group, long groupBytes, long targetBytes, List<Gather> gathers) {
        boolean isEnough = groupBytes >= targetBytes || group.size() == shape.maxInputs();
        if (group.size() > 1 && isEnough) {
            gathers.add(new Gather(group));
        }
    }

    /** 0 to 2 for small objects of growing size, 3 for large ones that are mostly dead. */
    private int gatherClass(long liveBytes) {
        int number = 0;
        while (number < GATHER_CLASSES - 1 && liveBytes >= upperBound(number)) {
            number++;
        }
        return number;
    }

    private long gatherTarget(int number) {
        return number < GATHER_CLASSES - 2 ? upperBound(number) : shape.bundleBytes();
    }

    private long upperBound(int number) {
        long bound = shape.smallBytes();
        for (int i = number; i < GATHER_CLASSES - 2; i++) {
            bound /= GATHER_STEP;
        }
        return Math.max(1, bound);
    }

    /**
     * New objects for the live segments of gathered objects: each stream with enough bytes gets its own, the others share
     * bundles of about the same size. A stream has no gap in a new object, because what is committed together must have
     * none. Empty if that would make as many objects as there are.
     *
     * @param live segments of any streams, in any order
     */
    public List<Rewrite> layout(Collection<StreamSegment> live) {
        long allBytes = live.stream().mapToLong(StreamSegment::sizeBytes).sum();
        long ownBytes = Math.max(shape.streamObjectBytes(), allBytes / MAX_OWN_OBJECTS);
        List<Rewrite> rewrites = new ArrayList<>();
        List<List<SegmentGroup>> shared = new ArrayList<>();
        SegmentGroup before = null;
        int number = 0;
        for (List<StreamSegment> run : runs(live)) {
            SegmentGroup group = new SegmentGroup(run);
            number = before != null && before.streamId() == group.streamId() ? number + 1 : 0;
            before = group;
            if (group.sizeBytes() >= ownBytes) {
                rewrites.add(new Rewrite(List.of(group)));
                continue;
            }
            while (shared.size() <= number) {
                shared.add(new ArrayList<>());
            }
            shared.get(number).add(group);
        }
        shared.forEach(groups -> bundle(groups, rewrites));
        long objects = live.stream().map(StreamSegment::objectId).distinct().count();
        return rewrites.size() < objects ? rewrites : List.of();
    }

    private void bundle(List<SegmentGroup> groups, List<Rewrite> rewrites) {
        long sharedBytes = groups.stream().mapToLong(SegmentGroup::sizeBytes).sum();
        long bundles = Math.max(1, (sharedBytes + shape.maxBundleBytes() - 1) / shape.maxBundleBytes());
        long bundleBytes = (sharedBytes + bundles - 1) / bundles;
        List<SegmentGroup> bundle = new ArrayList<>();
        long filledBytes = 0;
        for (SegmentGroup group : groups) {
            bundle.add(group);
            filledBytes += group.sizeBytes();
            if (filledBytes >= bundleBytes) {
                rewrites.add(new Rewrite(bundle));
                bundle = new ArrayList<>();
                filledBytes = 0;
            }
        }
        if (!bundle.isEmpty()) {
            rewrites.add(new Rewrite(bundle));
        }
    }

    /** Longest runs without gaps, by stream id and start offset. */
    private static List<List<StreamSegment>> runs(Collection<StreamSegment> segments) {
        List<StreamSegment> sorted = new ArrayList<>(segments);
        sorted.sort(Comparator.comparingLong(StreamSegment::streamId).thenComparingLong(StreamSegment::startOffset));
        List<List<StreamSegment>> runs = new ArrayList<>();
        StreamSegment before = null;
        for (StreamSegment segment : sorted) {
            boolean follows = before != null
                    && before.streamId() == segment.streamId()
                    && before.endOffset() == segment.startOffset();
            if (!follows) {
                runs.add(new ArrayList<>());
            }
            runs.get(runs.size() - 1).add(segment);
            before = segment;
        }
        return runs;
    }

    /**
     * New objects for one stream alone.
     *
     * @param manifest the stream's segments in offset order, or a part of them
     * @param objects what is known of an object; null if nothing, or if it must be left alone
     */
    public List<Rewrite> merges(List<StreamSegment> manifest, LongFunction<@Nullable ObjectShare> objects) {
        int[] classes = new int[manifest.size()];
        for (int i = 0; i < classes.length; i++) {
            classes[i] =
                    mergeClass(manifest.get(i), objects.apply(manifest.get(i).objectId()));
        }
        Map<Long, Rewrite> byStart = new TreeMap<>();
        new RunCutter(manifest, classes, byStart).cut(BUNDLED, BUNDLED, shape.extractBytes());
        for (int top = mergeClass(shape.maxStreamObjectBytes()) - 1; top >= 0; top--) {
            new RunCutter(manifest, classes, byStart).cut(0, top, lowerBound(top + 1));
        }
        return List.copyOf(byStart.values());
    }

    private int mergeClass(StreamSegment segment, @Nullable ObjectShare object) {
        if (object == null || isGathered(object)) {
            return LEFT_ALONE;
        }
        return object.isBundle() ? BUNDLED : mergeClass(segment.sizeBytes());
    }

    private int mergeClass(long sizeBytes) {
        int number = 0;
        long bound = lowerBound(1);
        while (sizeBytes >= bound && bound <= shape.maxStreamObjectBytes()) {
            number++;
            bound = lowerBound(number + 1);
        }
        return number;
    }

    private long lowerBound(int mergeClass) {
        long bound = shape.streamObjectBytes();
        for (int i = 0; i < mergeClass; i++) {
            bound = Math.multiplyExact(bound, shape.mergeFactor());
        }
        return bound;
    }

    /** Cuts runs of neighbours of some classes into rewrites, and takes what it used out of the classes. */
    private final class RunCutter {
        private final List<StreamSegment> manifest;
        private final int[] classes;
        private final Map<Long, Rewrite> out;

        RunCutter(List<StreamSegment> manifest, int[] classes, Map<Long, Rewrite> out) {
            this.manifest = manifest;
            this.classes = classes;
            this.out = out;
        }

        void cut(int lowest, int highest, long enoughBytes) {
            int start = 0;
            long bytes = 0;
            for (int i = 0; i <= classes.length; i++) {
                boolean belongs = i < classes.length && classes[i] >= lowest && classes[i] <= highest;
                boolean fits = belongs && bytes + manifest.get(i).sizeBytes() <= shape.maxStreamObjectBytes();
                if (!fits) {
                    take(start, i, bytes, enoughBytes);
                    start = belongs ? i : i + 1;
                    bytes = 0;
                }
                if (belongs) {
                    bytes += manifest.get(i).sizeBytes();
                }
            }
        }

        private void take(int start, int end, long bytes, long enoughBytes) {
            if (end - start < 2 || bytes < enoughBytes) {
                return;
            }
            for (int i = start; i < end; i++) {
                classes[i] = LEFT_ALONE;
            }
            SegmentGroup group = new SegmentGroup(manifest.subList(start, end));
            out.put(group.startOffset(), new Rewrite(List.of(group)));
        }
    }
}
