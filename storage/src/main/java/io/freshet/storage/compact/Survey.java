// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.compact;

import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.storage.StreamMetadata;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A look at all objects and manifests. Not a snapshot: what changes meanwhile is refused
 * when it is to be replaced. Used by one thread.
 */
final class Survey {
    private static final int PAGE = 1000;

    private final StreamMetadata metadata;
    private final CompactionMetadata compaction;
    private final SurveyTable table;

    private Survey(StreamMetadata metadata, CompactionMetadata compaction, SurveyTable table) {
        this.metadata = metadata;
        this.compaction = compaction;
        this.table = table;
    }

    /** Looks at everything; {@code table} is emptied first, and filled. */
    static Survey of(StreamMetadata metadata, CompactionMetadata compaction, SurveyTable table) {
        Survey survey = new Survey(metadata, compaction, table);
        survey.readObjects();
        survey.forEachStream(manifest -> manifest.forEach(survey::addLive));
        table.dropUnnamed(); // what no manifest names any more is none of compaction's business
        return survey;
    }

    private void readObjects() {
        table.clear();
        long after = -1;
        while (true) {
            List<LiveObject> page = compaction.objects(after, PAGE);
            for (LiveObject object : page) {
                after = object.objectId();
                table.append(after, object.sizeBytes(), object.liveSegments());
            }
            if (page.size() < PAGE) {
                return;
            }
        }
    }

    private void addLive(StreamSegment segment) {
        int place = table.find(segment.objectId());
        if (place >= 0) {
            table.addLiveBytes(place, segment.sizeBytes());
        }
    }

    /** A view, ascending by id. */
    List<ObjectShare> objects() {
        return table;
    }

    Optional<ObjectShare> object(long objectId) {
        int place = table.find(objectId);
        return place < 0 ? Optional.empty() : Optional.of(table.get(place));
    }

    long sizeBytes() {
        return table.sizeBytes();
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
