// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.StreamMetadata;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A look at all objects and manifests. Not a snapshot: what changes meanwhile is refused
 * when it is to be replaced. Keeps 28 bytes per object. Used by one thread.
 */
final class Survey {
    private static final int PAGE = 1000;
    private static final long NOT_NAMED = -1;

    private final StreamMetadata metadata;
    private final CompactionMetadata compaction;

    /** Of the objects, ascending by id; the first {@link #count} of each array. */
    private long[] ids = new long[PAGE];

    private long[] sizesBytes = new long[PAGE];
    private int[] liveSegments = new int[PAGE];
    private long[] liveBytes = new long[PAGE];
    private int count;

    private Survey(StreamMetadata metadata, CompactionMetadata compaction) {
        this.metadata = metadata;
        this.compaction = compaction;
    }

    static Survey of(StreamMetadata metadata, CompactionMetadata compaction) {
        Survey survey = new Survey(metadata, compaction);
        survey.readObjects();
        survey.forEachStream(manifest -> manifest.forEach(survey::addLive));
        survey.dropUnnamed();
        return survey;
    }

    private void readObjects() {
        long after = -1;
        while (true) {
            List<LiveObject> page = compaction.objects(after, PAGE);
            if (count + page.size() > ids.length) {
                grow(Math.max(count + page.size(), count + count / 2));
            }
            for (LiveObject object : page) {
                after = object.objectId();
                ids[count] = after;
                sizesBytes[count] = object.sizeBytes();
                liveSegments[count] = object.liveSegments();
                liveBytes[count] = NOT_NAMED;
                count++;
            }
            if (page.size() < PAGE) {
                return;
            }
        }
    }

    private void grow(int length) {
        ids = Arrays.copyOf(ids, length);
        sizesBytes = Arrays.copyOf(sizesBytes, length);
        liveSegments = Arrays.copyOf(liveSegments, length);
        liveBytes = Arrays.copyOf(liveBytes, length);
    }

    private void addLive(StreamSegment segment) {
        int place = Arrays.binarySearch(ids, 0, count, segment.objectId());
        if (place >= 0) {
            liveBytes[place] = Math.max(0, liveBytes[place]) + segment.sizeBytes();
        }
    }

    /** What no manifest names any more is none of compaction's business. */
    private void dropUnnamed() {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (liveBytes[i] != NOT_NAMED) {
                ids[kept] = ids[i];
                sizesBytes[kept] = sizesBytes[i];
                liveSegments[kept] = liveSegments[i];
                liveBytes[kept] = liveBytes[i];
                kept++;
            }
        }
        count = kept;
    }

    /** A view, ascending by id. */
    List<ObjectShare> objects() {
        return new AbstractList<>() {
            @Override
            public ObjectShare get(int place) {
                return share(Objects.checkIndex(place, count));
            }

            @Override
            public int size() {
                return count;
            }
        };
    }

    private ObjectShare share(int place) {
        return new ObjectShare(ids[place], sizesBytes[place], liveSegments[place], liveBytes[place]);
    }

    Optional<ObjectShare> object(long objectId) {
        int place = Arrays.binarySearch(ids, 0, count, objectId);
        return place < 0 ? Optional.empty() : Optional.of(share(place));
    }

    long sizeBytes() {
        return Arrays.stream(sizesBytes, 0, count).sum();
    }

    /** Gives each stream's manifest to {@code visitor}, in order of stream ids. */
    void forEachStream(Consumer<List<StreamSegment>> visitor) {
        long after = -1;
        while (true) {
            List<Long> page = compaction.streamIds(after, PAGE);
            metadata.forEachManifest(page, visitor);
            if (!page.isEmpty()) {
                after = page.get(page.size() - 1);
            }
            if (page.size() < PAGE) {
                return;
            }
        }
    }
}
