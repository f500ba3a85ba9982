// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.state;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamSegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Which manifests a store keeps that does not keep all: those that are whole, which are changed with the log and may be read, and
 * those on their way from the leader. Changed by the metadata thread alone; {@link #isKept} and {@link #requireKept} may be asked by
 * any thread.
 */
public final class Holdings {
    private final ManifestStore store;
    /** The whole ones; each time that one becomes so it gets a mark of its own. */
    private final Map<Long, Object> kept = new ConcurrentHashMap<>();

    private final Map<Long, ManifestLoad> loads = new HashMap<>();
    private final Set<Long> created = new HashSet<>();
    private long applyingOffset = -1;

    Holdings(ManifestStore store) {
        this.store = store;
    }

    /** Whether the stream's manifest is whole here. */
    public boolean isKept(long streamId) {
        return kept.containsKey(streamId);
    }

    /** How many manifests are whole here; any thread. */
    public int keptCount() {
        return kept.size();
    }

    /** Begins to collect what changes the stream's manifest; its pages are to be added. Not if it is kept. */
    public ManifestLoad begin(long streamId, long appliedOffset) {
        if (isKept(streamId)) {
            throw new FreshetException(ErrorKind.INTERNAL, "The manifest of stream " + streamId + " is whole already");
        }
        return loads.computeIfAbsent(
                streamId, id -> new ManifestLoad(id, Math.max(appliedOffset, store.appliedOffset())));
    }

    /** Whether this load goes on: its stream was neither released nor removed, nor everything forgotten. */
    public boolean isLoading(ManifestLoad load) {
        return loads.get(load.streamId()) == load;
    }

    public boolean isLoading(long streamId) {
        return loads.containsKey(streamId);
    }

    /** Makes whole what has all its pages and is not behind any of them; returns these streams. */
    public List<Long> settle(long appliedOffset) {
        List<Long> whole = new ArrayList<>();
        List<StreamSegment> segments = new ArrayList<>();
        for (ManifestLoad load : loads.values()) {
            if (load.hasAllPages() && load.readableAt() <= appliedOffset) {
                segments.addAll(load.finish());
                whole.add(load.streamId());
            }
        }
        if (!whole.isEmpty()) {
            store.writeManifests(segments);
            whole.forEach(streamId -> {
                loads.remove(streamId);
                kept.put(streamId, new Object());
            });
        }
        return whole;
    }

    /** Gives up these streams' manifests. Reads that are under way fail. */
    public void release(Collection<Long> streamIds) {
        List<Long> dropped = new ArrayList<>();
        for (long streamId : streamIds) {
            loads.remove(streamId);
            if (kept.remove(streamId) != null) {
                dropped.add(streamId);
            }
        }
        if (!dropped.isEmpty()) {
            store.dropManifests(dropped);
        }
    }

    /** The streams that were made since the last call: their manifests were whole from the beginning, as they were empty. */
    public Set<Long> takeCreated() {
        Set<Long> taken = Set.copyOf(created);
        created.clear();
        return taken;
    }

    /**
     * Fails with UNAVAILABLE if the stream's manifest is not whole here.
     *
     * @return a mark for {@link #requireStillKept} after reading
     */
    Object requireKept(long streamId) {
        Object mark = kept.get(streamId);
        if (mark == null) {
            throw notKept(streamId);
        }
        return mark;
    }

    /** What was read since {@code mark} was given may be incomplete if this fails. */
    void requireStillKept(long streamId, Object mark) {
        if (kept.get(streamId) != mark) {
            throw notKept(streamId);
        }
    }

    private static FreshetException notKept(long streamId) {
        return new FreshetException(
                ErrorKind.UNAVAILABLE,
                "The manifest of stream " + streamId
                        + " is not on this node (yet), which keeps those of the streams that it leads; retry, or ask the"
                        + " quorum's leader");
    }

    /** Before the records of a batch are applied. */
    void applying(long lastOffset) {
        applyingOffset = lastOffset;
    }

    void streamMade(long streamId) {
        kept.put(streamId, new Object());
        created.add(streamId);
    }

    void streamRemoved(long streamId) {
        kept.remove(streamId);
        loads.remove(streamId);
        created.remove(streamId);
    }

    @Nullable
    ManifestLoad load(long streamId) {
        return loads.get(streamId);
    }

    long applyingOffset() {
        return applyingOffset;
    }

    /** All rows are gone. */
    void forget() {
        kept.clear();
        loads.clear();
        created.clear();
    }
}
