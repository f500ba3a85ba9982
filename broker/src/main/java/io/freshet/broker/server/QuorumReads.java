// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.server;

import io.freshet.broker.inspect.StateSource;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.StreamState;
import io.freshet.metadata.ManifestPages;
import io.freshet.metadata.ManifestPages.Page;
import io.freshet.metadata.ManifestQuery;
import io.freshet.metadata.ManifestQuery.From;
import io.freshet.metadata.MetadataNode;
import io.freshet.metadata.ObjectState;
import io.freshet.storage.StreamMetadata;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Reads of a metadata node that asks the leader for what the node does not keep. Blocks: for threads of background work only. */
record QuorumReads(MetadataNode node) implements StateSource {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final int STREAMS_PER_QUERY = 500;
    private static final int SEGMENTS_PER_QUERY = 5_000;

    @Override
    public List<LiveObject> objects(long afterObjectId, int limit) {
        return node.keepsEverything()
                ? node.manifests().objects(afterObjectId, limit)
                : Waiting.on(
                        "The leader's answer about objects",
                        TIMEOUT,
                        node.controller().readObjects(afterObjectId, limit));
    }

    @Override
    public List<StreamSegment> segments(long streamId, long offset, int limit) {
        if (node.keepsEverything()) {
            return node.manifests().segments(streamId, offset, limit);
        }
        List<Page> pages =
                ask(List.of(new From(streamId, offset)), limit, limit).pages();
        return pages.get(0).segments();
    }

    @Override
    public List<ObjectState> objectStates(List<Long> objectIds) {
        return node.keepsEverything()
                ? node.manifests().objectStates(objectIds)
                : Waiting.on(
                        "The leader's answer about objects",
                        TIMEOUT,
                        node.controller().readObjectStates(objectIds));
    }

    /** As {@link StreamMetadata#forEachManifest}, with the leader's manifests, many streams with one query. */
    void forEachManifest(List<Long> streamIds, Consumer<List<StreamSegment>> visitor) {
        List<StreamSegment> found = new ArrayList<>();
        int next = 0;
        long goOnAt = -1;
        while (next < streamIds.size()) {
            int end = Math.min(streamIds.size(), next + STREAMS_PER_QUERY);
            List<From> from = new ArrayList<>();
            for (long streamId : streamIds.subList(next, end)) {
                from.add(new From(streamId, from.isEmpty() && goOnAt >= 0 ? goOnAt : startOffset(streamId)));
            }
            for (Page page : ask(from, SEGMENTS_PER_QUERY, SEGMENTS_PER_QUERY).pages()) {
                found.addAll(page.segments());
                if (page.isLast()) {
                    visitor.accept(found);
                    found = new ArrayList<>();
                    goOnAt = -1;
                    next++;
                } else if (!found.isEmpty()) {
                    goOnAt = found.get(found.size() - 1).endOffset();
                    if (found.size() >= StreamMetadata.MANIFEST_PART) {
                        visitor.accept(found);
                        found = new ArrayList<>();
                    }
                }
            }
        }
    }

    private long startOffset(long streamId) {
        return node.manifests().stream(streamId).map(StreamState::startOffset).orElse(0L);
    }

    /** Those of {@code segments} that stand in the leader's manifests. */
    List<StreamSegment> stillNamed(List<StreamSegment> segments) {
        List<StreamSegment> still = new ArrayList<>();
        for (int first = 0; first < segments.size(); first += STREAMS_PER_QUERY) {
            List<StreamSegment> some = segments.subList(first, Math.min(segments.size(), first + STREAMS_PER_QUERY));
            List<From> from = some.stream()
                    .map(segment -> new From(segment.streamId(), segment.startOffset()))
                    .toList();
            List<Page> pages = ask(from, 1, some.size()).pages();
            for (int i = 0; i < pages.size(); i++) { // one segment each: there is room for all
                if (pages.get(i).segments().contains(some.get(i))) {
                    still.add(some.get(i));
                }
            }
        }
        return still;
    }

    private ManifestPages ask(List<From> from, int limitPerStream, int limit) {
        return Waiting.on(
                "The leader's answer about manifests",
                TIMEOUT,
                node.controller().readManifests(new ManifestQuery(0, false, from, limitPerStream, limit)));
    }
}
