// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.storage.StreamMetadata;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A look at all objects and manifests in the local copy of the metadata. Not a snapshot: what changes meanwhile is refused
 * when it is to be replaced. Keeps about a hundred bytes per object. Used by one thread.
 */
final class Survey {
    private static final int PAGE = 1000;

    private final StreamMetadata metadata;
    private final CompactionMetadata compaction;
    private final Map<Long, ObjectShare> objects = new HashMap<>();

    private Survey(StreamMetadata metadata, CompactionMetadata compaction) {
        this.metadata = metadata;
        this.compaction = compaction;
    }

    static Survey of(StreamMetadata metadata, CompactionMetadata compaction) {
        Survey survey = new Survey(metadata, compaction);
        Map<Long, Long> liveBytes = new HashMap<>();
        survey.forEachStream(manifest -> {
            for (StreamSegment segment : manifest) {
                liveBytes.merge(segment.objectId(), segment.sizeBytes(), Long::sum);
            }
        });
        survey.readObjects(liveBytes);
        return survey;
    }

    private void readObjects(Map<Long, Long> liveBytes) {
        long after = -1;
        while (true) {
            List<LiveObject> page = compaction.objects(after, PAGE);
            for (LiveObject object : page) {
                after = object.objectId();
                Long live = liveBytes.get(after);
                if (live != null) {
                    objects.put(after, new ObjectShare(after, object.sizeBytes(), object.liveSegments(), live));
                }
            }
            if (page.size() < PAGE) {
                return;
            }
        }
    }

    Collection<ObjectShare> objects() {
        return objects.values();
    }

    Optional<ObjectShare> object(long objectId) {
        return Optional.ofNullable(objects.get(objectId));
    }

    long sizeBytes() {
        return objects.values().stream().mapToLong(ObjectShare::sizeBytes).sum();
    }

    /** Gives each stream's manifest to {@code visitor}, in order of stream ids. */
    void forEachStream(Consumer<List<StreamSegment>> visitor) {
        long after = -1;
        while (true) {
            List<Long> page = compaction.streamIds(after, PAGE);
            for (long streamId : page) {
                after = streamId;
                visitor.accept(manifest(streamId));
            }
            if (page.size() < PAGE) {
                return;
            }
        }
    }

    private List<StreamSegment> manifest(long streamId) {
        List<StreamSegment> all = new ArrayList<>();
        long from = metadata.stream(streamId).map(StreamState::startOffset).orElse(0L);
        while (true) {
            List<StreamSegment> page = metadata.segments(streamId, from, PAGE);
            all.addAll(page);
            if (page.size() < PAGE) {
                return all;
            }
            from = page.get(page.size() - 1).endOffset();
        }
    }
}
